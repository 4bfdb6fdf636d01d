//! The logs that a record can belong to, by their names in diagnostic settings and Log Analytics.

/// The categories of sign-in logs in diagnostic settings, and the tables they become in Log
/// Analytics.
const SIGN_IN_LOGS: &[(&str, &str)] = &[
    ("SignInLogs", "interactive"),
    ("NonInteractiveUserSignInLogs", "non_interactive"),
    ("ServicePrincipalSignInLogs", "service_principal"),
    ("ManagedIdentitySignInLogs", "managed_identity"),
    ("ADFSSignInLogs", "adfs"),
    ("MicrosoftServicePrincipalSignInLogs", "service_principal"),
    ("AADNonInteractiveUserSignInLogs", "non_interactive"),
    ("AADServicePrincipalSignInLogs", "service_principal"),
    ("AADManagedIdentitySignInLogs", "managed_identity"),
];

/// Logs that people keep in the same places. Only these names are counted by name, so that a
/// hostile log can't fill the tally with names of its own.
const OTHER_LOGS: &[&str] = &[
    "AuditLogs",
    "ProvisioningLogs",
    "RiskyUsers",
    "UserRiskEvents",
    "RiskyServicePrincipals",
    "ServicePrincipalRiskEvents",
    "NetworkAccessTrafficLogs",
    "NetworkAccessAlerts",
    "NetworkAccessConnectionEvents",
    "RemoteNetworkHealthLogs",
    "EnrichedOffice365AuditLogs",
    "MicrosoftGraphActivityLogs",
    "B2CRequestLogs",
    "Administrative",
    "Policy",
    "ServiceHealth",
    "UnifiedAuditLog",
];

/// The category of the sign-ins in the log of this name, if it is a sign-in log.
pub(crate) fn sign_in_log(log: &str) -> Option<&'static str> {
    let known = SIGN_IN_LOGS
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(log))?;
    Some(known.1)
}

/// The name under which records of another log are counted.
pub(crate) fn other_log(log: &str) -> &'static str {
    OTHER_LOGS
        .iter()
        .find(|name| name.eq_ignore_ascii_case(log))
        .copied()
        .unwrap_or("other")
}
