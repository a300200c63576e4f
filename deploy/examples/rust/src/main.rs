//! A study and a worker for it in Rust, with ureq and serde_json: Branin's function.
//!
//!     cd deploy/examples/rust && HONE_URL=http://127.0.0.1:4663 cargo run
//!
//! HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open.
use serde_json::{json, Value};
use std::{env, f64::consts::PI, fs, process::exit, thread::sleep, time::Duration};

fn call(method: &str, path: &str, body: Option<Value>) -> Result<Value, String> {
    let url = env::var("HONE_URL").map_err(|_| "set HONE_URL to the server: http://127.0.0.1:4663")?;
    let mut request = ureq::request(method, &format!("{url}/v1{path}"));
    if let Ok(file) = env::var("HONE_TOKEN_FILE") {
        let token = fs::read_to_string(&file).map_err(|why| format!("{file}: {why}"))?;
        request = request.set("Authorization", &format!("Bearer {}", token.trim()));
    }
    match body.map_or_else(|| request.clone().call(), |body| request.clone().send_json(body)) {
        Ok(reply) => reply.into_json().map_err(|why| why.to_string()),
        Err(ureq::Error::Status(_, reply)) => { // a sentence that says what to do
            let problem: Value = reply.into_json().map_err(|why| why.to_string())?;
            Err(problem["detail"].as_str().unwrap_or("refused").to_string())
        }
        Err(why) => Err(why.to_string()),
    }
}

fn branin(x: f64, y: f64) -> f64 {
    (y - 5.1 / (4.0 * PI * PI) * x * x + 5.0 / PI * x - 6.0).powi(2) + 10.0 * (1.0 - 1.0 / (8.0 * PI)) * x.cos() + 10.0
}

fn train(lease: &str, parameters: &Value) -> Result<(), String> {
    let (x, y) = (parameters["x"].as_f64().ok_or("no x")?, parameters["y"].as_f64().ok_or("no y")?);
    let mut loss = 0.0;
    for step in 1..=5 { // in your program: an epoch
        loss = branin(x, y) * (1.0 + 1.0 / step as f64);
        let report = json!({"measurements": [{"step": step, "metrics": {"loss": loss}}]});
        match call("POST", &format!("/leases/{lease}/measurements"), Some(report))?["action"].as_str() {
            Some("continue") => {}
            Some("abort") => return Ok(()), // cancelled: nothing more is wanted
            _ => break, // not worth more steps
        }
    }
    let result = json!({"outcome": "completed", "metrics": {"loss": loss}});
    call("PUT", &format!("/leases/{lease}/result"), Some(result)).map(|_| ())
}

fn tune() -> Result<(), String> {
    call("POST", "/studies", Some(json!({ // again with the same definition: goes on where it was
        "name": "branin-rust", "metric": "loss", "direction": "minimize", "limits": {"trials": 20}, "seed": 1,
        "stopping": {"rule": "threshold", "step": 2, "value": 60}, "parameters": [
            {"name": "x", "type": "float", "low": -5, "high": 10},
            {"name": "y", "type": "float", "low": 0, "high": 15}]})))?;
    loop {
        let ask = call("POST", "/studies/branin-rust/leases", Some(json!({"wait_seconds": 30})))?;
        match (ask["lease"]["id"].as_str(), ask["reason"].as_str()) {
            (Some(lease), _) => train(lease, &ask["trial"]["parameters"])?,
            (None, Some("finished" | "stopped" | "drained")) => break,
            _ => sleep(Duration::from_secs_f64(ask["retry_after_seconds"].as_f64().unwrap_or(5.0))),
        }
    }
    let best = call("GET", "/studies/branin-rust/best", None)?;
    println!("best of branin-rust: {} with {}", best["trial"]["value"], best["trial"]["parameters"]);
    Ok(())
}

fn main() {
    if let Err(why) = tune() {
        eprintln!("branin-rust: {why}");
        exit(1);
    }
}
