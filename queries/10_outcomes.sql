-- title: Every sign-in with what became of it
-- explain: All columns of signins, the outcome in one word, and the keys by which the other views group.
--   success: signed in. refused: error 50053. bad_password: the password was wrong. unknown_user: no such account.
--   password_right: the password was right, though something else stopped the sign-in. other: none of these.
--   user_key is NULL when the account is not known. source_key is the address, or the /64 of an IPv6 address,
--   because one device changes its address inside its /64.
-- source: learn.microsoft.com/entra/identity-platform/reference-error-codes; the lists of Sentinel SigninPasswordSpray;
--   500011 and 700016 are what o365spray gets on a right password
SELECT
  s.*,
  CASE
    WHEN s.error_code = 0 THEN 'success'
    WHEN s.error_code = 50053 THEN 'refused'
    WHEN s.error_code IN (50126, 50056, 50064) THEN 'bad_password'
    WHEN s.error_code IN (50034, 51004) THEN 'unknown_user'
    -- Expired (50055, 50144), second factor asked or failed (50072 to 50079, 50158, 500121), stopped by policy
    -- (53000 to 53003, 50105, 50129, 50155), reset or consent asked (50125, 50133, 50173, 65001), odd resource.
    WHEN s.error_code IN (
      50055, 50144, 50072, 50074, 50076, 50079, 50158, 500121, 53000, 53001, 53003, 50105, 50129, 50155,
      50125, 50133, 50173, 65001, 500011, 700016
    ) THEN 'password_right'
    WHEN s.password_result = 'correct' THEN 'password_right'
    WHEN s.password_result = 'incorrect' THEN 'bad_password'
    ELSE 'other'
  END AS outcome,
  -- Old protocols, which cannot ask for a second factor, are what high confidence of risk is mostly said of.
  coalesce(
    s.user_agent IN ('BAV2ROPC', 'CBAinPROD', 'CBAinTAR')
    OR s.client_app IN (
      'Authenticated SMTP', 'Autodiscover', 'Exchange ActiveSync', 'Exchange Online PowerShell', 'Exchange Web Services',
      'IMAP4', 'MAPI Over HTTP', 'Offline Address Book', 'Other clients', 'Outlook Anywhere (RPC over HTTP)', 'POP3',
      'Reporting Web Services', 'SMTP', 'Universal Outlook'
    ),
    false
  ) AS is_legacy,
  coalesce(s.tenant_id, '') AS tenant_key,
  -- Entra writes the id of zeros for an account it does not have: the typed name is all there is then.
  coalesce(nullif(s.user_id, '00000000-0000-0000-0000-000000000000'), s.user_principal_name) AS user_key,
  CASE WHEN s.ip_address LIKE '%:%' THEN coalesce(s.ip_network, s.ip_address) ELSE s.ip_address END AS source_key,
  coalesce(s.ip_network, s.ip_address) AS network_key
FROM signins AS s
