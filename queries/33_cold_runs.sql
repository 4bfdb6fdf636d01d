-- title: Stretches of attempts from cold sources
-- explain: The rows of cold_attempts with their stretch: run counts, for each source, those without a pause longer than finding_gap.
-- keep: yes
-- by: source_key
WITH spaced AS (
  SELECT
    c.*,
    lag(c.time) OVER (PARTITION BY c.tenant_key, c.source_key ORDER BY c.time) AS previous
  FROM cold_attempts AS c
  WHERE c.is_lasting
)
-- A window for each of thousands of sources costs more than all else: it is opened only where it can tell something.
SELECT
  s.* EXCEPT (previous, is_lasting),
  sum(CASE WHEN s.time <= s.previous + $finding_gap THEN 0 ELSE 1 END) OVER (
    PARTITION BY s.tenant_key, s.source_key
    ORDER BY s.time
    RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS run
FROM spaced AS s
UNION ALL
SELECT c.* EXCEPT (is_lasting), 1 AS run
FROM cold_attempts AS c
WHERE NOT c.is_lasting
