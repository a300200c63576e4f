// One trial by the client that openapi-generator writes in Go: create, ask, report, result, best; then
// two refusals, whose sentences are printed. HONE_URL and HONE_TOKEN say where and who.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"hone.test/languages/hone"
)

// check ends the program with the server's sentence, or with what went wrong before it was reached.
func check(err error) {
	if err != nil {
		fmt.Println("refused:", sentence(err))
		os.Exit(1)
	}
}

func sentence(err error) string {
	if told, ok := err.(*hone.GenericOpenAPIError); ok {
		if problem, ok := told.Model().(hone.Problem); ok {
			return fmt.Sprintf("%d %s", problem.Status, problem.Detail)
		}
	}
	return err.Error()
}

func metric(value float64) map[string]hone.MetricValue {
	return map[string]hone.MetricValue{"loss": {Float64: &value}}
}

func main() {
	const name = "generated-go"
	settings := hone.NewConfiguration()
	settings.Servers = hone.ServerConfigurations{{URL: strings.TrimRight(os.Getenv("HONE_URL"), "/")}}
	client := hone.NewAPIClient(settings)
	ctx := context.WithValue(context.Background(), hone.ContextAccessToken, os.Getenv("HONE_TOKEN"))

	rate, units := hone.NewParameter("lr", "float"), hone.NewParameter("units", "int")
	rate.SetLow(1e-5)
	rate.SetHigh(0.1)
	rate.SetScale("log")
	units.SetLow(16)
	units.SetHigh(512)
	kind := hone.NewParameter("kind", "categorical")
	kind.SetChoices([]interface{}{"a", nil, 2.5})
	study := hone.NewStudyDefinition(name, []hone.Parameter{*rate, *units, *kind})
	study.SetObjectives([]hone.Objective{*hone.NewObjective("loss", "minimize")})
	study.SetStrategy(hone.StringAsStrategy(hone.PtrString("random")))
	study.SetSeed(9007199254740991)
	created, _, err := client.StudiesAPI.CreateStudy(ctx).StudyDefinition(*study).Execute()
	check(err)
	fmt.Println("created:", created.Name, created.State, created.GetSeed())

	wish := hone.NewAsk()
	wish.SetWaitSeconds(10)
	ask, _, err := client.LeasesAPI.LeaseOfStudy(ctx, name).Ask(*wish).Execute()
	check(err)
	if !ask.Lease.IsSet() || ask.Lease.Get() == nil {
		fmt.Println("no lease:", ask.GetReason(), ask.GetDetail())
		os.Exit(1)
	}
	lease, trial := ask.Lease.Get().Id, ask.GetTrial()
	fmt.Printf("asked: trial %d lr=%g units=%g\n", trial.Number, trial.Parameters["lr"], trial.Parameters["units"])

	report := hone.NewMeasurements([]hone.Measurement{*hone.NewMeasurement(1, metric(2))})
	action, _, err := client.LeasesAPI.Measure(ctx, lease).Measurements(*report).Execute()
	check(err)
	fmt.Println("reported:", action.Action)

	result := hone.NewResult("completed")
	result.SetMetrics(metric(0.1234567890123))
	ended, _, err := client.LeasesAPI.Result(ctx, lease).Result(*result).Execute()
	check(err)
	fmt.Println("result:", ended.Trial.State)

	best, _, err := client.StudiesAPI.GetBest(ctx, name).Execute()
	check(err)
	fmt.Printf("best: trial %d loss=%.13f\n", best.Trial.Get().Number, *best.Trial.Get().Value.Get().Float64)

	study.SetSeed(8)
	_, _, err = client.StudiesAPI.CreateStudy(ctx).StudyDefinition(*study).Execute()
	fmt.Println("again:", sentence(err))
	_, _, err = client.StudiesAPI.GetStudy(ctx, "nowhere").Execute()
	fmt.Println("nowhere:", sentence(err))
}
