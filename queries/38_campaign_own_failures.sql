-- title: Failures that campaigns made
-- explain: One row for each failure from a cold source, with the campaign of its strand.
-- keep: yes
-- by: source_key
SELECT
  m.tenant_key,
  m.campaign_key,
  m.source_key,
  f.refusal_no,
  f.user_key,
  f.time,
  f.kind,
  f.tried,
  f.locked,
  f.country,
  f.asn,
  f.user_agent,
  f.client_app,
  f.on_account_many
FROM campaign_members AS m
INNER JOIN cold_failures AS f
  ON m.tenant_key = f.tenant_key AND m.source_key = f.source_key AND m.run = f.run
