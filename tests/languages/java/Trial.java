// One trial by the client that openapi-generator writes in Java: create, ask, report, result, best; then
// two refusals, whose sentences are printed. HONE_URL and HONE_TOKEN say where and who.
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.hone.ApiClient;
import org.hone.ApiException;
import org.hone.api.LeasesApi;
import org.hone.api.StudiesApi;
import org.hone.model.*;

public class Trial {
    static String sentence(ApiException refused) throws Exception {
        if (refused.getResponseBody() == null) {
            return String.valueOf(refused);
        }
        Problem problem = ApiClient.createDefaultObjectMapper().readValue(refused.getResponseBody(), Problem.class);
        return problem.getStatus() + " " + problem.getDetail();
    }

    static Parameter parameter(String name, Parameter.TypeEnum type) {
        return new Parameter().name(name).type(type);
    }

    public static void main(String[] arguments) throws Exception {
        String name = "generated-java";
        String token = System.getenv("HONE_TOKEN");
        ApiClient client = new ApiClient();
        client.updateBaseUri(System.getenv("HONE_URL"));
        client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + token));
        StudiesApi studies = new StudiesApi(client);
        LeasesApi leases = new LeasesApi(client);
        try {
            StudyDefinition study = new StudyDefinition().name(name).strategy(new Strategy("random"))
                .seed(9007199254740991L)
                .objectives(List.of(new Objective().metric("loss").direction(Objective.DirectionEnum.MINIMIZE)))
                .parameters(List.of(
                    parameter("lr", Parameter.TypeEnum.FLOAT).low(1e-5).high(0.1).scale(Parameter.ScaleEnum.LOG),
                    parameter("units", Parameter.TypeEnum.INT).low(16.0).high(512.0),
                    parameter("kind", Parameter.TypeEnum.CATEGORICAL).choices(Arrays.asList("a", null, 2.5))));
            Study created = studies.createStudy(study);
            System.out.println("created: " + created.getName() + " " + created.getState() + " " + created.getSeed());

            AskReply ask = leases.leaseOfStudy(name, null, null, new Ask().waitSeconds(10.0));
            if (ask.getLease() == null) {
                System.out.println("no lease: " + ask.getReason() + " " + ask.getDetail());
                System.exit(1);
            }
            String lease = ask.getLease().getId();
            Map<String, Object> parameters = ask.getTrial().getParameters();
            System.out.println("asked: trial " + ask.getTrial().getNumber() + " lr=" + parameters.get("lr")
                + " units=" + parameters.get("units"));

            Action action = leases.measure(lease, new Measurements().measurements(List.of(
                new Measurement().step(1.0).metrics(Map.of("loss", new MetricValue(2.0))))), null);
            System.out.println("reported: " + action.getAction());

            ResultReply ended = leases.result(lease, new Result().outcome(Result.OutcomeEnum.COMPLETED)
                .metrics(Map.of("loss", new MetricValue(0.1234567890123))));
            System.out.println("result: " + ended.getTrial().getState());

            Best best = studies.getBest(name, null, null, null, null);
            System.out.println("best: trial " + best.getTrial().getNumber() + " loss="
                + best.getTrial().getValue().getActualInstance());

            try {
                studies.createStudy(study.seed(8L));
            } catch (ApiException refused) {
                System.out.println("again: " + sentence(refused));
            }
            try {
                studies.getStudy("nowhere", null, null, null, null, null, null);
            } catch (ApiException refused) {
                System.out.println("nowhere: " + sentence(refused));
            }
        } catch (ApiException refused) {
            System.out.println("refused: " + sentence(refused));
            System.exit(1);
        }
    }
}
