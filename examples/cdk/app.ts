// Two stacks: a new API, and new methods of an API that exists already. Take the one that is like yours.
import { App, Stack } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";
import { gatewayResponses, jwtAuthorizer } from "./authorizer.ts";

const app = new App();
newApi(new Stack(app, "ProtectedApi"));
// cdk deploy ExistingApi -c restApiId=a1b2c3d4e5 -c rootResourceId=f6g7h8i9j0 -c stage=prod
if (app.node.tryGetContext("restApiId")) {
  existingApi(new Stack(app, "ExistingApi"), {
    restApiId: app.node.getContext("restApiId"),
    rootResourceId: app.node.getContext("rootResourceId"),
    stageName: app.node.getContext("stage"),
  });
}

function newApi(stack: Stack) {
  const api = new apigateway.RestApi(stack, "Api");
  gatewayResponses(stack, api);
  methods(stack, api.root);
}

function existingApi(stack: Stack, existing: { restApiId: string; rootResourceId: string; stageName: string }) {
  const api = apigateway.RestApi.fromRestApiAttributes(stack, "Api", existing);
  const added = [...gatewayResponses(stack, api), ...methods(stack, api.root)];
  // The CDK deploys an API of its own by itself. For this one: give the deployment another name whenever what is here changes.
  const deployment = new apigateway.Deployment(stack, "Deployment1", { api, stageName: existing.stageName, retainDeployments: true });
  deployment.node.addDependency(...added);
}

function methods(stack: Stack, root: apigateway.IResource): Construct[] {
  const backend = new apigateway.LambdaIntegration(
    new lambda.Function(stack, "Orders", {
      runtime: lambda.Runtime.PYTHON_3_13,
      handler: "index.handler",
      code: lambda.Code.fromInline(`\
def handler(event, _):
    caller = event["requestContext"].get("authorizer", {}).get("principalId", "anyone")
    return {"statusCode": 200, "headers": {"Access-Control-Allow-Origin": "*"}, "body": caller}
`),
    }),
  );
  const orders = root.addResource("orders");
  return [
    // On the method and not as the API's default, which would also be that of the preflight.
    orders.addMethod("GET", backend, { authorizer: jwtAuthorizer(stack) }),
    orders.addCorsPreflight({ allowOrigins: ["*"], allowHeaders: ["Authorization", "Content-Type"] }),
    // Public: no authorizer.
    root.addResource("health").addMethod("GET", backend),
  ];
}
