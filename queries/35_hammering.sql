-- title: Which hammering strands are one attacker's
-- explain: The strands of hammered with what makes them one attacker's (key): the client, and the label unless hardly anybody
--   else uses it. Where no client stands out among many, the label alone.
-- source: own; changing_clients
-- keep: yes
WITH tools AS (
  SELECT c.tenant_key, l.label, c.tool, count(*) AS strands
  FROM hammered AS c
  INNER JOIN hammered_labels AS l
    ON c.tenant_key = l.tenant_key AND c.source_key = l.source_key AND c.run = l.run
  GROUP BY c.tenant_key, l.label, c.tool
),
-- Where no client stands out among many, all are the same attacker's.
mixed AS (
  SELECT t.tenant_key, t.label
  FROM tools AS t
  GROUP BY t.tenant_key, t.label
  HAVING
    count(*) >= $changing_clients
    AND max(CASE WHEN t.tool <> 'changing' THEN t.strands ELSE 0 END) <= $changing_client_share * sum(t.strands)
)
SELECT
  c.tenant_key,
  c.source_key,
  c.run,
  c.started,
  c.ended,
  l.label,
  CASE
    WHEN m.label IS NOT NULL THEN concat('changing|', l.label)
    WHEN c.is_foreign THEN c.tool
    ELSE concat(c.tool, '|', l.label)
  END AS key
FROM hammered AS c
INNER JOIN hammered_labels AS l
  ON c.tenant_key = l.tenant_key AND c.source_key = l.source_key AND c.run = l.run
LEFT JOIN mixed AS m ON l.tenant_key = m.tenant_key AND l.label = m.label
