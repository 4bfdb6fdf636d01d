-- title: Which hammered accounts share sources
-- explain: One row for each strand of hammered. label is the first name of the accounts that share its source, passed on
--   twice: from an account to its sources, and from those to their accounts.
-- source: own
-- keep: yes
WITH shared AS (
  SELECT c.tenant_key, c.source_key, c.run, f.user_key
  FROM hammered AS c
  INNER JOIN cold_failures AS f
    ON c.tenant_key = f.tenant_key AND c.source_key = f.source_key AND c.run = f.run
  GROUP BY c.tenant_key, c.source_key, c.run, f.user_key
),
sources_once AS (
  SELECT s.tenant_key, s.source_key, s.run, min(s.user_key) AS label
  FROM shared AS s
  GROUP BY s.tenant_key, s.source_key, s.run
),
users_once AS (
  SELECT s.tenant_key, s.user_key, min(o.label) AS label
  FROM shared AS s
  INNER JOIN sources_once AS o
    ON s.tenant_key = o.tenant_key AND s.source_key = o.source_key AND s.run = o.run
  GROUP BY s.tenant_key, s.user_key
)
SELECT s.tenant_key, s.source_key, s.run, min(u.label) AS label
FROM shared AS s
INNER JOIN users_once AS u ON s.tenant_key = u.tenant_key AND s.user_key = u.user_key
GROUP BY s.tenant_key, s.source_key, s.run
