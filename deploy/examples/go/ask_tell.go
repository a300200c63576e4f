// A study and a worker for it in Go, standard library only: Branin's function.
//
//	HONE_URL=http://127.0.0.1:4663 go run deploy/examples/go/ask_tell.go
//
// HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"net/http"
	"os"
	"strings"
	"time"
)

type object = map[string]any

func call(method, path string, body object) (answer object) {
	var data []byte
	if body != nil {
		data, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, os.Getenv("HONE_URL")+"/v1"+path, bytes.NewReader(data))
	if err != nil {
		log.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token, err := os.ReadFile(os.Getenv("HONE_TOKEN_FILE")); err == nil {
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer reply.Body.Close()
	if err := json.NewDecoder(reply.Body).Decode(&answer); err != nil {
		log.Fatal(reply.Status, ": ", err)
	}
	if reply.StatusCode >= 400 {
		log.Fatal(answer["detail"]) // a sentence that says what to do
	}
	return answer
}

func branin(x, y float64) float64 {
	return math.Pow(y-5.1/(4*math.Pi*math.Pi)*x*x+5/math.Pi*x-6, 2) + 10*(1-1/(8*math.Pi))*math.Cos(x) + 10
}

func train(lease string, parameters object) {
	var loss float64
	for step := 1; step <= 5; step++ { // in your program: an epoch
		loss = branin(parameters["x"].(float64), parameters["y"].(float64)) * (1 + 1/float64(step))
		report := object{"measurements": []object{{"step": step, "metrics": object{"loss": loss}}}}
		action := call("POST", "/leases/"+lease+"/measurements", report)["action"]
		if action == "abort" { // cancelled: nothing more is wanted
			return
		}
		if action != "continue" { // not worth more steps
			break
		}
	}
	call("PUT", "/leases/"+lease+"/result", object{"outcome": "completed", "metrics": object{"loss": loss}})
}

func main() {
	log.SetFlags(0)
	if os.Getenv("HONE_URL") == "" {
		log.Fatal("set HONE_URL to the server: http://127.0.0.1:4663")
	}
	call("POST", "/studies", object{ // again with the same definition: goes on where it was
		"name": "branin-go", "metric": "loss", "direction": "minimize", "seed": 1,
		"limits":   object{"trials": 20},
		"stopping": object{"rule": "threshold", "step": 2, "value": 60},
		"parameters": []object{{"name": "x", "type": "float", "low": -5, "high": 10},
			{"name": "y", "type": "float", "low": 0, "high": 15}}})
	for {
		ask := call("POST", "/studies/branin-go/leases", object{"wait_seconds": 30})
		if lease, ok := ask["lease"].(object); ok {
			train(lease["id"].(string), ask["trial"].(object)["parameters"].(object))
		} else if reason := ask["reason"]; reason == "finished" || reason == "stopped" || reason == "drained" {
			break
		} else {
			time.Sleep(time.Duration(ask["retry_after_seconds"].(float64) * float64(time.Second)))
		}
	}
	if best, ok := call("GET", "/studies/branin-go/best", nil)["trial"].(object); ok {
		fmt.Println("best of branin-go:", best["value"], "with", best["parameters"])
	}
}
