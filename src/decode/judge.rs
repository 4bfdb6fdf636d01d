//! From what a record says to what is true: the rules that hold in every dialect.
//!
//! [`Raw`] is one record as its dialect read it. [`Raw::judge`] makes the canonical row of it:
//! which of two places counts, what a date, an address or a code means, and what is too wrong to be
//! believed.

use std::borrow::Cow;

use super::category::{other_log, sign_in_log};
use super::dates::{Dates, Unbelieved};
use super::ip::Addresses;
use super::json::{Seen, owned};
use super::password::{self, Password};
use super::stated_reason::Stated;
use crate::signin::Signin;

/// The error whose text says which of its meanings it has.
pub(crate) const REFUSED: i32 = 50053;

/// What a field says that holds the result of a sign-in as a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The code itself; 0 is success.
    Number(i32),
    /// A word such as `Failure`, which names no code.
    Word,
    /// A number that no error code can be.
    OutOfRange,
}

/// One record as it was read, before it is judged. Fields of `row` are taken as they are, all
/// others are weighed.
#[derive(Default)]
pub(crate) struct Raw<'a> {
    /// The known fields of the outermost object: they tell the dialect.
    pub(crate) seen: Seen,
    /// What needs no judgement.
    pub(crate) row: Signin<'a>,
    /// Event time and ingestion time, as text.
    pub(crate) created: Option<Cow<'a, str>>,
    pub(crate) ingested: Option<Cow<'a, str>>,
    /// The log that the record belongs to: a category of diagnostic settings or a table of Log
    /// Analytics.
    pub(crate) category: Option<Cow<'a, str>>,
    pub(crate) operation: Option<Cow<'a, str>>,
    pub(crate) event_types: Option<Vec<Cow<'a, str>>>,
    /// The result, from the inner `status` and from the outer columns.
    pub(crate) status_code: Option<Code>,
    pub(crate) result_code: Option<Code>,
    pub(crate) status_reason: Option<Cow<'a, str>>,
    pub(crate) result_description: Option<Cow<'a, str>>,
    /// The source address, from the event and from its envelope.
    pub(crate) ip: Option<Cow<'a, str>>,
    pub(crate) caller_ip: Option<Cow<'a, str>>,
    /// Tenants: the one that logged the event, the one it names, and the two ends of a cross-tenant
    /// access.
    pub(crate) log_tenant: Option<Cow<'a, str>>,
    pub(crate) tenant: Option<Cow<'a, str>>,
    pub(crate) resource_tenant: Option<Cow<'a, str>>,
    pub(crate) home_tenant: Option<Cow<'a, str>>,
    /// What the envelope says beside the event.
    pub(crate) envelope_country: Option<Cow<'a, str>>,
    pub(crate) envelope_correlation: Option<Cow<'a, str>>,
    pub(crate) identity: Option<Cow<'a, str>>,
    /// The service principal that signed in, if it was one.
    pub(crate) service_principal_id: Option<Cow<'a, str>>,
    pub(crate) service_principal_name: Option<Cow<'a, str>>,
    /// The two judgements of risk, and the two lists of why.
    pub(crate) risk_during: Option<Cow<'a, str>>,
    pub(crate) risk_aggregated: Option<Cow<'a, str>>,
    pub(crate) risk_types: Option<Vec<Cow<'a, str>>>,
    pub(crate) risk_types_v2: Option<Vec<Cow<'a, str>>>,
    /// The step of `authenticationDetails` that is being read, and what the steps have shown so
    /// far.
    pub(crate) step_method: Option<Cow<'a, str>>,
    pub(crate) step_detail: Option<Cow<'a, str>>,
    pub(crate) step_succeeded: Option<bool>,
    pub(crate) password: Option<Password>,
    /// The pair of a name and a value that is being read.
    pub(crate) pair_name: Option<Cow<'a, str>>,
    pub(crate) pair_value: Option<Cow<'a, str>>,
    /// The operation that a row around the record names.
    pub(crate) outer_operation: Option<Cow<'a, str>>,
    /// The record that this one only carries, as JSON text.
    pub(crate) inner: Option<Cow<'a, str>>,
    /// What its dialect found wrong with it.
    pub(crate) wrong: Option<&'static str>,
    /// It is one step of a sign-in that is told elsewhere, and no sign-in itself.
    pub(crate) is_step: bool,
    /// The network location that is being read.
    pub(crate) network_type: Option<Cow<'a, str>>,
    pub(crate) network_names: Option<Vec<Cow<'a, str>>>,
}

/// What is known from the records before.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    pub(crate) dates: Dates,
    stated: Stated,
    addresses: Addresses,
}

/// What a record turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judged {
    /// A sign-in, whose row is now complete but for where it was read.
    SignIn,
    /// One step of a sign-in that is told elsewhere: its row has the id, and what the step shows.
    Step,
    /// Something else: the name of a known log, or `other`.
    Other(&'static str),
    /// A sign-in that can't be believed, and why.
    Rejected(&'static str),
}

impl Raw<'_> {
    /// Takes what JSON inside a text said, wherever nothing has been said yet.
    pub(crate) fn absorb(&mut self, inner: Raw<'_>) {
        fn text<'a>(mine: &mut Option<Cow<'a, str>>, theirs: Option<Cow<'_, str>>) {
            if mine.is_none() {
                *mine = theirs.map(|text| Cow::Owned(text.into_owned()));
            }
        }
        fn list<'a>(mine: &mut Option<Vec<Cow<'a, str>>>, theirs: Option<Vec<Cow<'_, str>>>) {
            if mine.is_none() {
                *mine = theirs.map(owned);
            }
        }
        self.row.absorb(inner.row);
        text(&mut self.created, inner.created);
        text(&mut self.ingested, inner.ingested);
        text(&mut self.category, inner.category);
        text(&mut self.operation, inner.operation);
        list(&mut self.event_types, inner.event_types);
        self.status_code = self.status_code.or(inner.status_code);
        self.result_code = self.result_code.or(inner.result_code);
        text(&mut self.status_reason, inner.status_reason);
        text(&mut self.result_description, inner.result_description);
        text(&mut self.ip, inner.ip);
        text(&mut self.caller_ip, inner.caller_ip);
        text(&mut self.log_tenant, inner.log_tenant);
        text(&mut self.tenant, inner.tenant);
        text(&mut self.resource_tenant, inner.resource_tenant);
        text(&mut self.home_tenant, inner.home_tenant);
        text(&mut self.envelope_country, inner.envelope_country);
        text(&mut self.envelope_correlation, inner.envelope_correlation);
        text(&mut self.identity, inner.identity);
        text(&mut self.service_principal_id, inner.service_principal_id);
        text(
            &mut self.service_principal_name,
            inner.service_principal_name,
        );
        text(&mut self.risk_during, inner.risk_during);
        text(&mut self.risk_aggregated, inner.risk_aggregated);
        list(&mut self.risk_types, inner.risk_types);
        list(&mut self.risk_types_v2, inner.risk_types_v2);
        self.password = password::stronger(self.password, inner.password);
        self.wrong = self.wrong.or(inner.wrong);
    }

    /// A step of `authenticationDetails` has been read: keeps what it shows about the password.
    pub(crate) fn end_step(&mut self) {
        let shown = password::shown_by(
            self.step_method.take().as_deref(),
            self.step_detail.take().as_deref(),
            self.step_succeeded.take(),
        );
        self.password = password::stronger(self.password, shown);
    }

    /// A list of network locations begins: from now on it is known whether a trusted one is among
    /// them.
    pub(crate) fn begin_networks(&mut self) {
        self.row.is_trusted_location.get_or_insert(false);
        self.row.network_location_names.get_or_insert_default();
    }
}

impl<'a> Raw<'a> {
    /// A network location has been read.
    pub(crate) fn end_network(&mut self) {
        let trusted = self
            .network_type
            .take()
            .is_some_and(|kind| kind == "trustedNamedLocation");
        if let Some(known) = &mut self.row.is_trusted_location {
            *known |= trusted;
        }
        let names = self.network_names.take().unwrap_or_default();
        self.row
            .network_location_names
            .get_or_insert_default()
            .extend(names);
    }

    /// Takes a place that is written as `City, State, Country`; a city may have commas of its own.
    pub(crate) fn place(&mut self, place: Cow<'a, str>) {
        let text = |part: &str| Some(part.trim().to_owned()).filter(|part| !part.is_empty());
        let mut parts = place.rsplitn(3, ',');
        let country = parts.next().and_then(text);
        let (state, city) = match (parts.next(), parts.next()) {
            (Some(state), Some(city)) => (text(state), text(city)),
            (Some(city), None) => (None, text(city)),
            _ => (None, None),
        };
        let row = &mut self.row;
        row.country = country.map(Cow::Owned);
        row.state = state.map(Cow::Owned);
        row.city = city.map(Cow::Owned);
    }

    /// What the record is. If it is a sign-in, `row` is the canonical row afterwards.
    pub(crate) fn judge(&mut self, judge: &mut Judge) -> Judged {
        if self.is_step {
            self.row.password_result = Some(Cow::Borrowed(password::name(self.password)));
            self.row.sign_in_id = self.row.sign_in_id.take().map(lower_id);
            return Judged::Step;
        }
        if let Some(reason) = self.wrong {
            return Judged::Rejected(reason);
        }
        let category = match self.category() {
            Ok(category) => category,
            Err(other) => return Judged::Other(other),
        };
        match self.complete(category, judge) {
            Ok(()) => Judged::SignIn,
            Err(reason) => Judged::Rejected(reason),
        }
    }

    /// The category of the sign-in, or what the record is instead.
    fn category(&self) -> Result<&'static str, &'static str> {
        if let Some(log) = &self.category {
            return sign_in_log(log).ok_or_else(|| other_log(log));
        }
        let is_type = |name: &str| {
            self.event_types
                .iter()
                .flatten()
                .any(|kind| kind.eq_ignore_ascii_case(name))
        };
        let service = self.service_principal_id.is_some() && self.row.user_id.is_none();
        Ok(match self.row.is_interactive {
            _ if is_type("managedIdentity") => "managed_identity",
            _ if is_type("servicePrincipal") => "service_principal",
            _ if is_type("nonInteractiveUser") => "non_interactive",
            _ if is_type("interactiveUser") => "interactive",
            _ if service => "service_principal",
            Some(true) => "interactive",
            Some(false) => "non_interactive",
            None => "unknown",
        })
    }

    /// Weighs what was read and puts the outcome into the row.
    fn complete(&mut self, category: &'static str, judge: &mut Judge) -> Result<(), &'static str> {
        let Judge {
            dates,
            stated,
            addresses,
        } = judge;
        let row = &mut self.row;
        row.category = Some(Cow::Borrowed(category));
        row.time = match self.created.as_deref().map(|text| dates.event(text)) {
            Some(Err(Unbelieved::NotATime)) => {
                return Err("its event time is not a date that exists");
            }
            Some(Err(Unbelieved::Contradicts)) => {
                return Err("its event time has day and month the other way round than this input");
            }
            Some(Ok(time)) => Some(time),
            None => None,
        };
        row.ingested_at = self
            .ingested
            .as_deref()
            .and_then(|text| dates.ingestion(text));
        row.error_code = match (self.status_code, self.result_code) {
            (Some(Code::Number(code)), _) => Some(code),
            (Some(Code::OutOfRange), _) | (_, Some(Code::OutOfRange)) => {
                return Err("its error code is not a number that a code can be");
            }
            (_, Some(Code::Number(code))) => Some(code),
            _ => None,
        };
        row.failure_reason = self
            .status_reason
            .take()
            .or_else(|| self.result_description.take());
        // Graph says "Other." for every success.
        let success = row.error_code == Some(0);
        row.failure_reason
            .take_if(|reason| success && *reason == "Other.");
        row.stated_reason = (row.error_code == Some(REFUSED))
            .then(|| Cow::Borrowed(stated.by(row.failure_reason.as_deref())));
        row.password_result = Some(Cow::Borrowed(password::name(self.password)));

        let mut canonical = |text| addresses.canonical(text);
        let mut address = self.ip.take().and_then(&mut canonical);
        if address.is_none() {
            address = self.caller_ip.take().and_then(canonical);
        }
        if let Some((address, network)) = address {
            row.ip_address = Some(address);
            row.ip_network = Some(Cow::Owned(network));
        }
        let tenants = [
            &mut self.log_tenant,
            &mut self.tenant,
            &mut self.resource_tenant,
            &mut self.home_tenant,
        ];
        row.tenant_id = tenants.into_iter().find_map(Option::take).map(lower_id);
        row.sign_in_id = row.sign_in_id.take().map(lower_id);
        row.user_id = row.user_id.take().map(lower_id);
        row.user_principal_name = row.user_principal_name.take().map(lower);
        row.user_type = row.user_type.take().map(lower);
        row.country = row.country.take().or_else(|| self.envelope_country.take());
        row.correlation_id = row
            .correlation_id
            .take()
            .or_else(|| self.envelope_correlation.take());
        if row.user_id.is_some() {
            row.user_display_name = row
                .user_display_name
                .take()
                .or_else(|| self.identity.take());
        }
        row.app_display_name = row
            .app_display_name
            .take()
            .or_else(|| self.service_principal_name.take());
        row.risk_level = self
            .risk_during
            .take()
            .or_else(|| self.risk_aggregated.take());
        row.risk_event_types = match (self.risk_types_v2.take(), self.risk_types.take()) {
            (Some(v2), Some(v1)) if v2.is_empty() => Some(v1),
            (v2, v1) => v2.or(v1),
        };
        Ok(())
    }
}

/// An id in lower case: they are hexadecimal, so nothing but ASCII needs folding.
fn lower_id(id: Cow<'_, str>) -> Cow<'_, str> {
    if has(&id, |byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(id.to_ascii_lowercase());
    }
    id
}

/// Text in lower case.
fn lower(text: Cow<'_, str>) -> Cow<'_, str> {
    if has(&text, |byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        return Cow::Owned(text.to_lowercase());
    }
    text
}

/// Whether any byte of `text` is such a one. Mostly none is: looking at all of them goes many at a time.
fn has(text: &str, such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |found, byte| found | such(byte))
}
