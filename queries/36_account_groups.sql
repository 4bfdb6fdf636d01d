-- title: Cold sources that hammer an account
-- explain: Strands that try few accounts each, the most tried of them an account that sees as many failures as guessing
--   makes, or is locked for as many hours as a denial of service takes. They belong together when they use the same
--   client and try the same account (or accounts that share a source; any account, where hardly anybody else uses that
--   client), without a pause longer than hammer_gap; and when they use different clients on the same account, but begin
--   and end together. One row for each strand.
-- source: brute_force_failures and distributed_brute_force_failures
-- keep: yes
WITH reached AS (
  SELECT
    k.*,
    max(k.ended) OVER (
      PARTITION BY k.tenant_key, k.key
      ORDER BY k.started, k.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reached
  FROM hammering AS k
),
numbered AS (
  SELECT
    r.*,
    sum(CASE WHEN r.started <= r.reached + $hammer_gap THEN 0 ELSE 1 END) OVER (
      PARTITION BY r.tenant_key, r.key
      ORDER BY r.started, r.source_key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS part
  FROM reached AS r
),
parts AS (
  SELECT
    n.tenant_key,
    n.key,
    n.part,
    min(n.label) AS label,
    min(n.started) AS started,
    max(n.ended) AS ended
  FROM numbered AS n
  GROUP BY n.tenant_key, n.key, n.part
),
beside AS (
  SELECT
    p.*,
    lag(p.started) OVER (PARTITION BY p.tenant_key, p.label ORDER BY p.started, p.key) AS started_before,
    lag(p.ended) OVER (PARTITION BY p.tenant_key, p.label ORDER BY p.started, p.key) AS ended_before
  FROM parts AS p
),
halves AS (
  SELECT
    b.tenant_key,
    b.key,
    b.part,
    b.label,
    b.started,
    sum(
      CASE
        WHEN b.started <= b.started_before + $synchrony
          AND b.ended <= b.ended_before + $synchrony
          AND b.ended_before <= b.ended + $synchrony
          THEN 0
        ELSE 1
      END
    ) OVER (
      PARTITION BY b.tenant_key, b.label
      ORDER BY b.started, b.key
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS half
  FROM beside AS b
),
named AS (
  SELECT
    h.tenant_key,
    h.key,
    h.part,
    min(h.key) OVER (PARTITION BY h.tenant_key, h.label, h.half) AS first_key,
    min(h.started) OVER (PARTITION BY h.tenant_key, h.label, h.half) AS started
  FROM halves AS h
)
SELECT
  n.tenant_key,
  n.source_key,
  n.run,
  concat('account ', m.first_key, '|', CAST(m.started AS VARCHAR)) AS campaign_key
FROM numbered AS n
INNER JOIN named AS m ON n.tenant_key = m.tenant_key AND n.key = m.key AND n.part = m.part
