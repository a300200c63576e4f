// One trial by the client that openapi-generator writes in TypeScript: create, ask, report, result, best;
// then two refusals, whose sentences are printed. HONE_URL and HONE_TOKEN say where and who.
import {Configuration, LeasesApi, ParameterTypeEnum, ParameterScaleEnum, ObjectiveDirectionEnum, ResponseError,
        ResultOutcomeEnum, StudiesApi, StudyDefinition} from "./hone";

declare const process: {env: Record<string, string | undefined>, exitCode: number};

async function sentence(error: unknown): Promise<string> {
    if (!(error instanceof ResponseError)) {
        return String(error);
    }
    const problem = await error.response.json();
    return `${problem.status} ${problem.detail}`;
}

async function main(): Promise<void> {
    const name = "generated-typescript";
    const settings = new Configuration({basePath: process.env.HONE_URL, accessToken: process.env.HONE_TOKEN});
    const studies = new StudiesApi(settings), leases = new LeasesApi(settings);

    const study: StudyDefinition = {
        name, strategy: "random", seed: 9007199254740991,
        objectives: [{metric: "loss", direction: ObjectiveDirectionEnum.Minimize}],
        parameters: [
            {name: "lr", type: ParameterTypeEnum.Float, low: 1e-5, high: 0.1, scale: ParameterScaleEnum.Log},
            {name: "units", type: ParameterTypeEnum.Int, low: 16, high: 512},
            {name: "kind", type: ParameterTypeEnum.Categorical, choices: ["a", null, 2.5]}]};
    const created = await studies.createStudy({studyDefinition: study});
    console.log("created:", created.name, created.state, created.seed);

    const ask = await leases.leaseOfStudy({study: name, ask: {waitSeconds: 10}});
    if (!ask.lease || !ask.trial) {
        throw new Error(`no lease: ${ask.reason} ${ask.detail}`);
    }
    const lease = ask.lease.id, parameters = ask.trial.parameters;
    console.log(`asked: trial ${ask.trial.number} lr=${parameters.lr} units=${parameters.units}`);

    const action = await leases.measure({lease, measurements: {measurements: [{step: 1, metrics: {loss: 2}}]}});
    console.log("reported:", action.action);

    const ended = await leases.result({lease, result: {
        outcome: ResultOutcomeEnum.Completed, metrics: {loss: 0.1234567890123}}});
    console.log("result:", ended.trial.state);

    const best = await studies.getBest({study: name});
    console.log(`best: trial ${best.trial?.number} loss=${best.trial?.value}`);

    await studies.createStudy({studyDefinition: {...study, seed: 8}}).catch(
        async error => console.log("again:", await sentence(error)));
    await studies.getStudy({study: "nowhere"}).catch(
        async error => console.log("nowhere:", await sentence(error)));
}

main().catch(async error => {
    console.log("refused:", await sentence(error));
    process.exitCode = 1;
});
