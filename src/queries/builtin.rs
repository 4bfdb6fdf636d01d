//! The folder `queries/` as it was when signsift was built. A test holds that none is missing.

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/queries/", $name)))),*]
    };
}

/// The columns of `signins` that the results of these files are made of. What a run reads could be
/// found out by planning every query, but that takes a tenth of a second; a test does it instead.
pub(super) static COLUMNS: &[&str] = &[
    "sign_in_id",
    "time",
    "tenant_id",
    "category",
    "user_id",
    "user_principal_name",
    "ip_address",
    "ip_network",
    "asn",
    "country",
    "city",
    "app_id",
    "app_display_name",
    "client_app",
    "user_agent",
    "error_code",
    "failure_reason",
    "additional_details",
    "stated_reason",
    "password_result",
    "is_trusted_location",
    "correlation_id",
];

/// (file name, text), in order of registration.
pub(super) static FILES: &[(&str, &str)] = files![
    "00_thresholds.sql",
    "10_outcomes.sql",
    "12_tenants.sql",
    "20_refusals.sql",
    "22_failures.sql",
    "24_places.sql",
    "26_familiar.sql",
    "28_sources.sql",
    "30_windows.sql",
    "32_user_episodes.sql",
    "34_source_episodes.sql",
    "36_account_runs.sql",
    "37_blocked_runs.sql",
    "39_strange_failures.sql",
    "40_flagged_egress.sql",
    "42_high_risk_block.sql",
    "44_password_spray.sql",
    "46_distributed_spray.sql",
    "48_distributed_brute_force.sql",
    "50_brute_force.sql",
    "52_stale_credential.sql",
    "54_forgotten_password.sql",
    "56_blocked_attack.sql",
    "69_insufficient_data.sql",
    "70_verdicts.sql",
    "72_patterns.sql",
    "75_findings.sql",
    "77_endings.sql",
    "80_events.sql",
    "81_users.sql",
    "82_ips.sql",
    "85_timeline.sql",
    "90_summary_causes.sql",
    "91_summary_reasons.sql",
    "92_categories.sql",
    "94_needs.sql",
    "95_not_judged.sql",
];
