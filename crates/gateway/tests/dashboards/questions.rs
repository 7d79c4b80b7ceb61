//! What the dashboards and the rules ask.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::selectors::selectors;
use crate::stage::Stage;

/// A question to Prometheus, and whose it is.
#[derive(Clone)]
pub(crate) struct Question {
    pub(crate) asked_by: String,
    pub(crate) asks: Asks,
}

#[derive(Clone)]
pub(crate) enum Asks {
    /// The value of an expression.
    Query(String),
    /// The values that a label has in a metric: what a variable of a dashboard offers.
    Label { name: String, of: String },
}

impl Question {
    /// A gateway knows its own CPU, memory and files on Linux alone: elsewhere these panels are empty, which is as it is.
    fn is_of_the_process(&self) -> bool {
        matches!(&self.asks, Asks::Query(query) if query.contains("process_"))
    }
}

impl fmt::Display for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked_by, asks } = self;
        match asks {
            Asks::Query(query) => write!(out, "{asked_by}: {query}"),
            Asks::Label { name, of } => write!(out, "{asked_by}: label {name} of {of}"),
        }
    }
}

/// As Grafana fills them in: the first two as if chosen, the third as «All».
const VARIABLES: [(&str, &str); 4] = [
    ("$namespace", "local"),
    ("$job", "switchboard"),
    ("$instance", ".*"),
    // Four times the interval of scrapes, and not less than two of our steps.
    ("$__rate_interval", "4s"),
];

/// Of each panel, annotation and variable of each dashboard.
pub(crate) fn of_dashboards() -> Vec<Question> {
    let files = fs::read_dir(root().join("helm/switchboard/files/dashboards"));
    let files = files.expect("there are dashboards");
    let mut questions = Vec::new();
    for file in files {
        let path = file.expect("the folder can be read").path();
        let board = fs::read(&path).expect("a dashboard can be read");
        let board: Value = serde_json::from_slice(&board).expect("a dashboard is JSON");
        let name = board["title"].as_str().expect("a dashboard has a title");
        questions.extend(of_board(name, &board));
    }
    questions.retain(|question| cfg!(target_os = "linux") || !question.is_of_the_process());
    questions
}

fn of_board(name: &str, board: &Value) -> Vec<Question> {
    let mut questions = Vec::new();
    let mut ask = |part: &Value, query: &Value| {
        let title = part.as_str().expect("it has a title");
        questions.push(Question {
            asked_by: format!("{name}, {title}"),
            asks: asked(query.as_str().expect("a query is text")),
        });
    };
    for panel in list(&board["panels"]) {
        for target in list(&panel["targets"]) {
            ask(&panel["title"], &target["expr"]);
        }
    }
    for annotation in list(&board["annotations"]["list"]) {
        ask(&annotation["name"], &annotation["expr"]);
    }
    for variable in list(&board["templating"]["list"]) {
        if variable["type"] == "query" {
            ask(&variable["name"], &variable["query"]);
        }
    }
    questions
}

fn asked(query: &str) -> Asks {
    let mut query = query.to_owned();
    for (name, value) in VARIABLES {
        query = query.replace(name, value);
    }
    let variable = query.strip_prefix("label_values(");
    match variable.and_then(|rest| rest.strip_suffix(')')?.rsplit_once(", ")) {
        Some((of, name)) => Asks::Label {
            name: name.into(),
            of: of.into(),
        },
        None => Asks::Query(query),
    }
}

/// Of each rule that Prometheus has loaded: what a recording rule records, and each series that an alert looks at. (An alert
/// itself is empty where all is well.)
pub(crate) fn of_rules(stage: &Stage) -> Vec<Question> {
    let rules = stage.api("rules");
    let groups = list(&rules["groups"]);
    let rules = groups.iter().flat_map(|group| list(&group["rules"]));
    rules.flat_map(of_rule).collect()
}

fn of_rule(rule: &Value) -> Vec<Question> {
    let name = rule["name"].as_str().expect("a rule has a name");
    let queries = if rule["type"] == "recording" {
        vec![name.to_owned()]
    } else {
        let query = rule["query"].as_str().expect("an alert has a query");
        let selectors = selectors(query);
        assert!(!selectors.is_empty(), "{name} looks at nothing: {query}");
        selectors
    };
    let question = |query| Question {
        asked_by: name.to_owned(),
        asks: Asks::Query(query),
    };
    queries.into_iter().map(question).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
