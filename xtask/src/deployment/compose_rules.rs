//! What we want of every service of a compose file: bounded, without privileges, reachable from
//! this machine only. A function of the loaded file; must not know how it was loaded.

use serde_json::Value;

/// What is not as it should be, a line each.
pub(super) fn check(project: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let services = project["services"].as_object();
    if services.is_none_or(serde_json::Map::is_empty) {
        findings.push("no services".to_owned());
    }
    for (name, service) in services.into_iter().flatten() {
        findings.extend(check_service(service).into_iter().map(|it| format!("{name}: {it}")));
    }
    findings
}

fn check_service(service: &Value) -> Vec<String> {
    let mut findings = Vec::new();
    let mut want = |holds: bool, what: &str| {
        if !holds {
            findings.push(what.to_owned());
        }
    };
    let is_ours = service["image"].as_str().is_some_and(|image| image.starts_with("timedeal:"));
    let serves = service["restart"] == "unless-stopped";
    let limits = &service["deploy"]["resources"]["limits"];
    want(service["privileged"] != true, "is privileged");
    want(has(&service["cap_drop"], "ALL"), "keeps capabilities: `cap_drop: [ALL]`");
    want(
        has(&service["security_opt"], "no-new-privileges:true"),
        "may gain privileges: `security_opt: [no-new-privileges:true]`",
    );
    want(!limits["memory"].is_null(), "has no limit of memory");
    want(!limits["cpus"].is_null(), "has no limit of processors");
    want(!service["logging"]["options"]["max-size"].is_null(), "logs without an end");
    want(serves || service["restart"] == "no", "does not say whether it is restarted");
    want(!serves || !service["healthcheck"]["test"].is_null(), "serves without a health check");
    want(!serves || !service["stop_grace_period"].is_null(), "has no time to stop");
    want(!is_ours || service["read_only"] == true, "can write to its image: `read_only: true`");
    want(is_pinned(service), "has no version of its image");
    want(is_local(&service["ports"]), "is published to other machines: 127.0.0.1 before the port");
    findings
}

fn has(list: &Value, entry: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|it| it == entry))
}

fn is_pinned(service: &Value) -> bool {
    let tag = service["image"].as_str().and_then(|image| image.rsplit_once(':'));
    tag.is_some_and(|(_, tag)| tag != "latest" && !tag.contains('/'))
}

fn is_local(ports: &Value) -> bool {
    ports.as_array().into_iter().flatten().all(|port| port["host_ip"] == "127.0.0.1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn good() -> Value {
        json!({
            "image": "timedeal:dev",
            "read_only": true,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "deploy": {"resources": {"limits": {"memory": "1073741824", "cpus": 1}}},
            "logging": {"driver": "json-file", "options": {"max-size": "10m"}},
            "restart": "unless-stopped",
            "stop_grace_period": "20s",
            "healthcheck": {"test": ["CMD", "true"]},
            "ports": [{"host_ip": "127.0.0.1", "target": 8080}],
        })
    }

    #[track_caller]
    fn check_with(key: &str, value: Value, expected: &str) {
        let mut service = good();
        service[key] = value;
        let findings = check(&json!({"services": {"gateway": service}}));
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(findings[0].starts_with("gateway: "), "{findings:?}");
        assert!(findings[0].contains(expected), "{findings:?} do not say {expected}");
    }

    #[test]
    fn a_service_that_is_bounded_and_unprivileged_passes() {
        assert_eq!(check(&json!({"services": {"gateway": good()}})), Vec::<String>::new());
    }

    #[test]
    fn every_rule_finds_what_breaks_it() {
        check_with("privileged", json!(true), "privileged");
        check_with("cap_drop", json!(["NET_RAW"]), "capabilities");
        check_with("security_opt", json!(["seccomp:unconfined"]), "privileges");
        check_with("deploy", json!({"resources": {"limits": {"cpus": 1}}}), "memory");
        check_with("deploy", json!({"resources": {"limits": {"memory": "1"}}}), "processors");
        check_with("logging", json!({"driver": "json-file"}), "logs");
        check_with("restart", Value::Null, "restarted");
        check_with("healthcheck", Value::Null, "health check");
        check_with("stop_grace_period", Value::Null, "time to stop");
        check_with("read_only", json!(false), "read_only");
        check_with("image", json!("mysql"), "version");
        check_with("image", json!("registry:5000/mysql"), "version");
        check_with("image", json!("mysql:latest"), "version");
        check_with("ports", json!([{"target": 8080}]), "127.0.0.1");
    }

    #[test]
    fn a_file_without_services_is_not_in_order() {
        assert_eq!(check(&json!({})), ["no services"]);
    }
}
