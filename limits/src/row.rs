//! One limit, held against what is wanted.

use serde::Serialize;

/// Where a limit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For the whole machine; in a container it cannot be set.
    Host,
    /// For each network namespace: a container has its own, at the defaults.
    Network,
    /// For each process.
    Process,
    /// For a control group.
    Container,
}

impl Scope {
    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Network => "network",
            Self::Process => "process",
            Self::Container => "container",
        }
    }
}

/// What the numbers of a row count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Pages of 4 KiB.
    Pages,
    /// Seconds.
    Seconds,
}

/// What follows from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is enough, or does not apply.
    Ok,
    /// It cannot be seen from here.
    Unknown,
    /// It would do; another value is worth a thought, and has a price.
    Advice,
    /// It is not enough.
    TooLow,
    /// It is more than is good.
    TooHigh,
    /// It is not enough, and has been hit.
    Hit,
}

impl Verdict {
    /// Whether something has to be done.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::TooLow | Self::TooHigh | Self::Hit)
    }

    /// As it is shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Advice => "advice",
            Self::TooLow => "too low",
            Self::TooHigh => "too high",
            Self::Hit => "hit",
        }
    }
}

/// What can be set while everything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Settings under /proc/sys, in this order.
    Sysctls(Vec<(&'static str, String)>),
    /// The RLIMIT_NOFILE of a process.
    Descriptors(u32, u64),
}

/// One limit.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name.
    pub limit: &'static str,
    /// Where it is set.
    pub scope: Scope,
    /// What the numbers count.
    pub unit: Unit,
    /// What it is.
    pub current: Option<u64>,
    /// What it should be.
    pub needed: Option<u64>,
    /// What follows.
    pub verdict: Verdict,
    /// How many sessions it lets through; nothing if it is not about a number of sessions.
    pub fits: Option<u64>,
    /// What shows that it has been hit.
    pub hit: Option<String>,
    /// How it shows when it is hit.
    pub symptom: &'static str,
    /// What to do; empty where nothing has to be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cure: String,
    /// Why it is of no account here, or cannot be known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// The same, as something that can be done at once.
    #[serde(skip)]
    pub change: Option<Change>,
}

impl Row {
    /// A limit that nothing is known about.
    pub fn new(limit: &'static str, scope: Scope, unit: Unit, symptom: &'static str) -> Self {
        Self {
            limit,
            scope,
            unit,
            current: None,
            needed: None,
            verdict: Verdict::Unknown,
            fits: None,
            hit: None,
            symptom,
            cure: String::new(),
            note: None,
            change: None,
        }
    }

    /// It has to be this or more.
    pub fn at_least(self, current: Option<u64>, needed: u64) -> Self {
        let too_low = current.is_some_and(|current| current < needed);
        self.judged(current, needed, if too_low { Verdict::TooLow } else { Verdict::Ok })
    }

    /// It has to be this or less.
    pub fn at_most(self, current: Option<u64>, needed: u64) -> Self {
        let too_high = current.is_some_and(|current| current > needed);
        self.judged(current, needed, if too_high { Verdict::TooHigh } else { Verdict::Ok })
    }

    fn judged(mut self, current: Option<u64>, needed: u64, verdict: Verdict) -> Self {
        (self.current, self.needed) = (current, Some(needed));
        self.verdict = if current.is_some() { verdict } else { Verdict::Unknown };
        self
    }

    /// It lets so many sessions through.
    pub fn fitting(mut self, fits: Option<u64>, wanted: u64) -> Self {
        self.fits = fits;
        if fits.is_some_and(|fits| fits < wanted) {
            self.verdict = Verdict::TooLow;
        }
        self
    }

    /// It has been hit.
    pub fn hit_if(mut self, is_hit: bool, evidence: impl FnOnce() -> String) -> Self {
        if is_hit {
            self.hit = Some(evidence());
            if self.verdict == Verdict::TooLow {
                self.verdict = Verdict::Hit;
            }
        }
        self
    }

    /// Another value has a price, so it is only suggested.
    pub fn as_advice(mut self) -> Self {
        if self.verdict.is_bad() {
            self.verdict = Verdict::Advice;
        }
        self
    }

    /// It is of no account here, for this reason.
    pub fn without_effect(mut self, why: &'static str) -> Self {
        (self.verdict, self.needed, self.fits) = (Verdict::Ok, None, None);
        self.note = Some(why);
        self
    }

    /// Whether it is enough cannot be known here, for this reason.
    pub fn not_known(mut self, why: &'static str) -> Self {
        (self.verdict, self.fits, self.note) = (Verdict::Unknown, None, Some(why));
        self
    }

    /// Without a cure where there is nothing to be cured.
    pub fn settled(mut self) -> Self {
        if matches!(self.verdict, Verdict::Ok | Verdict::Unknown) {
            (self.cure, self.change) = (String::new(), None);
        }
        self
    }

    /// What to do about it, by hand.
    pub fn cure(mut self, cure: impl Into<String>) -> Self {
        self.cure = cure.into();
        self
    }

    /// What to do about it: set a sysctl of the row's name.
    pub fn sysctl(self, value: impl ToString) -> Self {
        let name = self.limit;
        self.sysctls(vec![(name, value.to_string())])
    }

    /// The same, to no less than it is: a cure must never take away.
    pub fn raise(self, value: u64) -> Self {
        let value = value.max(self.current.unwrap_or_default());
        self.sysctl(value)
    }

    /// What to do about it: set these sysctls, in this order.
    pub fn sysctls(mut self, settings: Vec<(&'static str, String)>) -> Self {
        let command = |(name, value): &(&str, String)| {
            let quote = if value.contains(' ') { "'" } else { "" };
            format!("sysctl -w {quote}{name}={value}{quote}")
        };
        self.cure = settings.iter().map(command).collect::<Vec<_>>().join("; ");
        self.change = Some(Change::Sysctls(settings));
        self
    }

    /// More about the cure.
    pub fn remark(mut self, remark: &str) -> Self {
        self.cure = format!("{}; {remark}", self.cure);
        self
    }
}
