-- title: Sentinel: password spray against one application
-- explain: One address, one application and one kind of sign-in (interactive or not). In a bin of 20 minutes at least five accounts failed there, and over three
--   days more accounts failed there than got in.
-- source: Azure/Azure-Sentinel, Solutions/Microsoft Entra ID/Analytic Rules/SigninPasswordSpray.yaml, version 1.0.4;
--   bins are aligned to the clock and its run over three days to days of UTC, counted back from the latest sign-in
-- defects: It counts accounts in a set that is cut at 20. A right but expired password (50055) counts as failure and as
--   success. Tools that change the application with every attempt are never seen, since it is part of the key.
-- keep: yes
WITH latest AS (
  SELECT o.tenant_key, max(o.time) AS latest FROM outcomes AS o GROUP BY o.tenant_key
),
considered AS (
  SELECT
    o.tenant_key,
    o.tenant_id,
    o.sign_in_id,
    o.time,
    date_bin(INTERVAL '20 minutes', o.time) AS window_start,
    -- How many whole runs of three days lie between it and the latest sign-in.
    floor((date_part('epoch', l.latest) - date_part('epoch', o.time)) / 259200) AS run,
    o.ip_address,
    o.app_display_name,
    o.category,
    o.user_principal_name AS account,
    o.error_code IN (50053, 50126, 50055) AS failed,
    o.error_code IN (
      0, 50055, 50057, 50155, 50105, 50133, 50005, 50076, 50079, 50173, 50158, 50072, 50074, 53003, 53000, 53001, 50129
    ) AS got_in
  FROM outcomes AS o
  INNER JOIN latest AS l ON o.tenant_key = l.tenant_key
  WHERE o.ip_address IS NOT NULL AND o.user_principal_name IS NOT NULL AND o.time IS NOT NULL
),
by_run AS (
  SELECT
    c.tenant_key,
    c.run,
    c.ip_address,
    c.app_display_name,
    c.category,
    count(DISTINCT c.account) FILTER (WHERE c.failed) AS failed_accounts,
    count(DISTINCT c.account) FILTER (WHERE c.got_in) AS successful_accounts
  FROM considered AS c
  GROUP BY c.tenant_key, c.run, c.ip_address, c.app_display_name, c.category
)
SELECT
  'sentinel_password_spray' AS rule,
  c.tenant_id,
  c.window_start,
  c.window_start + INTERVAL '20 minutes' AS window_end,
  array_sort(array_agg(DISTINCT c.account)) AS users,
  make_array(c.ip_address) AS ip_addresses,
  count(*) AS events,
  array_agg(c.sign_in_id) AS sign_in_ids
FROM considered AS c
INNER JOIN by_run AS r
  ON c.tenant_key = r.tenant_key
  AND c.run = r.run
  AND c.ip_address = r.ip_address
  AND (c.app_display_name IS NOT DISTINCT FROM r.app_display_name)
  AND (c.category IS NOT DISTINCT FROM r.category)
WHERE c.failed AND r.failed_accounts > r.successful_accounts
GROUP BY c.tenant_key, c.tenant_id, c.run, c.window_start, c.ip_address, c.app_display_name, c.category
HAVING count(DISTINCT c.account) >= 5
