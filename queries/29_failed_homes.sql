-- title: Places of failures where somebody signs in
-- explain: One row for each account, source and network of a failure, where the account knows the network or somebody else signs
--   in from the source.
-- keep: yes
-- by: user_key; source_key
SELECT f.tenant_key, f.user_key, f.source_key, f.network_key
FROM failures AS f
LEFT JOIN familiar AS k
  ON f.tenant_key = k.tenant_key AND f.user_key = k.user_key AND f.network_key = k.network_key
LEFT JOIN sources AS s ON f.tenant_key = s.tenant_key AND f.source_key = s.source_key AND s.is_used
WHERE f.user_key IS NOT NULL AND (k.network_key IS NOT NULL OR s.source_key IS NOT NULL)
GROUP BY f.tenant_key, f.user_key, f.source_key, f.network_key
