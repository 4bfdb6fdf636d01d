-- title: Networks an account knows
-- explain: A network (/24 or /64) is familiar to an account from its first successful sign-in there, unless that was guessed.
-- keep: yes
-- by: user_key
SELECT
  p.tenant_key,
  p.user_key,
  p.network_key,
  min(p.first_success) AS first_success
FROM places AS p
LEFT ANTI JOIN guessed_networks AS g
  ON p.tenant_key = g.tenant_key AND p.user_key = g.user_key AND p.network_key = g.network_key
WHERE p.network_key IS NOT NULL
GROUP BY p.tenant_key, p.user_key, p.network_key
