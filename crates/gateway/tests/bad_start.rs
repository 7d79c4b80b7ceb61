//! A container that is put together wrongly: the node ends at once, and its last words name the key or variable, what is there
//! instead, and what to do.

use std::fs;
use std::net::TcpListener;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The node with these variables alone, and what it says as it ends.
fn ends(variables: &[(&str, &str)]) -> String {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_switchboard"))
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .expect("the binary starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn ends_saying(variables: &[(&str, &str)], words: &[&str]) {
    let said = ends(variables);
    for words in words {
        assert!(said.contains(words), "{words} in {said}");
    }
}

/// A folder where a file should be, as a kubelet makes one, and a file that is none of what it should be.
fn mounts() -> (TempDir, String, String) {
    let mounts = tempfile::tempdir().expect("a temporary directory");
    let (folder, file) = (mounts.path().join("folder"), mounts.path().join("file"));
    fs::create_dir(&folder).expect("a folder can be made");
    fs::write(&file, "hello").expect("a file can be written");
    let text = |path: std::path::PathBuf| path.to_string_lossy().into_owned();
    (mounts, text(folder), text(file))
}

#[test]
fn a_wrong_mount_is_named_with_its_path_and_what_to_do() {
    let (_mounts, folder, file) = mounts();
    let missing = format!("{folder}/missing");
    let to_do = "mount it there";
    ends_saying(
        &[("SWITCHBOARD_CONFIG", &missing)],
        &["SWITCHBOARD_CONFIG: there is no ", &missing, to_do],
    );
    ends_saying(
        &[("SWITCHBOARD_CONFIG", &folder)],
        &[
            "SWITCHBOARD_CONFIG: ",
            &folder,
            "is a folder, not a file",
            "subPath",
        ],
    );
    for (path, words) in [(&missing, to_do), (&file, "is not a folder")] {
        let variables = [("SWITCHBOARD_STATIC_DIR", &**path)];
        ends_saying(&variables, &["SWITCHBOARD_STATIC_DIR: ", path, words]);
    }
    for (path, words) in [
        (&missing, to_do),
        (&folder, "is a folder, not a file"),
        (&file, "it holds no certificate in PEM"),
    ] {
        let url = format!("rediss://127.0.0.1:1?caFile={path}");
        let variables = [("REDIS_URL", &*url), ("SWITCHBOARD_LISTEN", "127.0.0.1:0")];
        ends_saying(&variables, &[path, words]);
    }
}

#[test]
fn a_secret_that_is_missing_or_empty_is_named() {
    let beyond = ("SWITCHBOARD_LISTEN", "0.0.0.0:0");
    for variables in [&[beyond][..], &[beyond, ("JWT_SECRET", "")]] {
        ends_saying(variables, &["JWT_SECRET", "nobody would need a token"]);
    }
    for name in [
        "SWITCHBOARD_AUTH__JWT__SECRET",
        "SWITCHBOARD_CLUSTER__KEY",
        "SWITCHBOARD_ADMIN__TOKEN",
        "SWITCHBOARD_REDIS__URL",
    ] {
        let named = format!("{name}: is empty");
        ends_saying(&[(name, "")], &[&named, "leave the variable out"]);
    }
    for name in ["JWT_SECRET", "SWITCHBOARD_CLUSTER__KEY"] {
        let named = format!("{name}: holds nothing but white space");
        ends_saying(&[(name, "\n")], &[&named]);
    }
}

#[test]
fn a_port_in_use_is_named_with_the_listener_whose_it_is() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address");
    let (text, port) = (address.to_string(), address.port().to_string());
    ends_saying(
        &[("SWITCHBOARD_LISTEN", &text)],
        &["listen: cannot listen on ", &text, "SWITCHBOARD_LISTEN"],
    );
    ends_saying(&[("PORT", &port)], &["listen: cannot listen on ", &text]);
    ends_saying(
        &[
            ("SWITCHBOARD_LISTEN", "127.0.0.1:0"),
            ("SWITCHBOARD_OPS_LISTEN", &text),
        ],
        &[
            "ops_listen: cannot listen on ",
            &text,
            "SWITCHBOARD_OPS_LISTEN",
        ],
    );
    ends_saying(
        &[
            ("SWITCHBOARD_LISTEN", &text),
            ("SWITCHBOARD_OPS_LISTEN", &text),
        ],
        &[
            "SWITCHBOARD_OPS_LISTEN",
            "give ops_listen a port of its own",
        ],
    );
}

#[test]
fn an_ops_host_that_is_no_host_is_repeated_with_what_it_should_be() {
    for wrong in [
        "$(POD_IP)",
        "10.0.0",
        "http://10.0.0.5",
        "10.0.0.5:9090",
        "0.0.0.0",
    ] {
        let words = format!("SWITCHBOARD_NODE__OPS_HOST: `{wrong}` is not a host without a port");
        ends_saying(
            &[("SWITCHBOARD_NODE__OPS_HOST", wrong)],
            &[&words, "such as 10.0.0.5"],
        );
    }
}
