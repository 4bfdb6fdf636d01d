-- title: Tenants with refusals
-- explain: One row for each. How many they are is in tenants: what does not change with each sign-in need not be looked at again.
-- keep: yes
SELECT t.tenant_key
FROM tenants AS t
WHERE t.refusals > 0
