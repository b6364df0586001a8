//! Table of what a component could access, what it would be granted, and what it
//! requests and why.

use std::io::{self, Write};

use anstyle::Style;
use kumiki::inspect::Capability;
use kumiki::{Grants, Permission, PermissionRequest, PermissionRequests};
use serde_json::{Value, json};

use crate::console::escape;

const HEADING: Style = Style::new().bold();

/// The capabilities, requests and grants of a component.
pub(super) struct Reach<'a> {
    /// The capabilities that its imports give.
    pub(super) capabilities: &'a [Capability],
    /// Its requests, or why they cannot be read.
    pub(super) requests: &'a Result<PermissionRequests, kumiki::Error>,
    /// The grants that it would have in a run.
    pub(super) grants: &'a Grants,
}

/// A capability with its grants and requests.
struct PermissionRow {
    could: String,
    granted: Vec<String>,
    requests: Vec<String>,
}

impl Reach<'_> {
    /// Prints a table, with the longest column last.
    pub(super) fn text(&self, out: &mut dyn Write) -> io::Result<()> {
        let rows: Vec<_> = self.rows();
        let width = |cells: &mut dyn Iterator<Item = &String>, heading: &str| {
            let widths = cells.map(|cell| escape(cell).chars().count());
            widths.chain([heading.len()]).max().unwrap_or(0)
        };
        let (could, granted) = ("could access", "would be granted");
        let first = width(&mut rows.iter().map(|row| &row.could), could);
        let second = width(&mut rows.iter().flat_map(|row| &row.granted), granted);
        writeln!(
            out,
            "\n  {HEADING}{could:<first$}  {granted:<second$}  requests, and why{HEADING:#}"
        )?;
        if rows.is_empty() {
            let requests = if self.requests.is_ok() {
                "nothing"
            } else {
                "-"
            };
            writeln!(out, "  {:<first$}  {:<second$}  {requests}", "nothing", "-")?;
        }
        for row in &rows {
            for line in 0..row.granted.len().max(row.requests.len()).max(1) {
                let could = if line == 0 { &*row.could } else { "" };
                let [granted, request] = [&row.granted, &row.requests]
                    .map(|cells| cells.get(line).map_or("", String::as_str));
                let (granted, request) = (escape(granted), escape(request));
                let line = format!("  {could:<first$}  {granted:<second$}  {request}");
                writeln!(out, "{}", line.trim_end())?;
            }
        }
        if let Err(error) = self.requests {
            writeln!(out, "  {}", escape(&error.to_string()))?;
        }
        Ok(())
    }

    /// The same data as JSON.
    pub(super) fn json(&self) -> Value {
        let requests = self.requests.as_ref().ok().map(|requests| {
            let request = |request: &PermissionRequest| {
                json!({
                    "kind": kind(&request.permission),
                    "what": request.permission.to_string(),
                    "why": request.reason,
                })
            };
            requests.iter().map(request).collect::<Vec<_>>()
        });
        json!({
            "could_touch": texts(self.capabilities),
            "would_be_granted": {
                "dirs": texts(self.grants.folders()),
                "env": texts(self.grants.variables()),
                "args": texts(self.grants.arguments()),
                "net": texts(self.grants.network()),
                "clocks": self.grants.clocks().to_string(),
                "random": self.grants.randomness().to_string(),
            },
            "requests": requests,
            "requests_fault": self.requests.as_ref().err().map(ToString::to_string),
        })
    }

    fn rows(&self) -> Vec<PermissionRow> {
        let mut capabilities = self.capabilities.to_vec();
        let requests: Vec<_> = self
            .requests
            .iter()
            .flat_map(PermissionRequests::iter)
            .collect();
        let wanted = requests
            .iter()
            .map(|request| self.capability(&request.permission));
        let unimported: Vec<_> = wanted
            .filter(|wanted| !capabilities.contains(wanted))
            .collect();
        capabilities.extend(unimported);
        capabilities.sort_unstable();
        capabilities.dedup();
        let row = |capability: Capability| PermissionRow {
            could: if self.capabilities.contains(&capability) {
                capability.to_string()
            } else {
                "(not imported)".into()
            },
            granted: self.granted(capability),
            requests: requests
                .iter()
                .filter(|request| self.capability(&request.permission) == capability)
                .map(ToString::to_string)
                .collect(),
        };
        capabilities.into_iter().map(row).collect()
    }

    /// The capability that a request belongs to.
    fn capability(&self, what: &Permission) -> Capability {
        let http = self.capabilities.contains(&Capability::Http);
        match what {
            Permission::Folder { .. } => Capability::FileSystem,
            Permission::Variable(_) => Capability::Environment,
            Permission::Network(_) if http && !self.capabilities.contains(&Capability::Network) => {
                Capability::Http
            }
            _ => Capability::Network,
        }
    }

    /// The grants of a capability.
    fn granted(&self, capability: Capability) -> Vec<String> {
        let grants = self.grants;
        let granted = match capability {
            Capability::FileSystem => texts(grants.folders()),
            Capability::Network | Capability::Http => texts(grants.network()),
            Capability::Environment => {
                let arguments = grants.arguments().map(|text| format!("argument `{text}`"));
                let variables = grants.variables().map(ToString::to_string);
                variables.chain(arguments).collect()
            }
            Capability::Clocks => vec![grants.clocks().to_string()],
            Capability::Randomness => vec![grants.randomness().to_string()],
            Capability::StandardStreams => vec!["no input; output is logged".into()],
            _ => Vec::new(),
        };
        match &*granted {
            [] => vec!["nothing".into()],
            _ => granted,
        }
    }
}

fn kind(what: &Permission) -> &'static str {
    match what {
        Permission::Folder { .. } => "dirs",
        Permission::Variable(_) => "env",
        Permission::Network(_) => "net",
        _ => "other",
    }
}

fn texts(items: impl IntoIterator<Item = impl ToString>) -> Vec<String> {
    items.into_iter().map(|item| item.to_string()).collect()
}
