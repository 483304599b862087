// An API behind the authorizer, whose zip and configuration lie beside this file.
import { readFileSync } from "node:fs";
import { App, Duration, Stack } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as lambda from "aws-cdk-lib/aws-lambda";

const zip = process.env.AUTHORIZER_ZIP ?? "apigw-jwt-authorizer-arm64.zip";
const configuration = process.env.AUTHORIZER_JSON ?? "authorizer.json";

const stack = new Stack(new App(), "ProtectedApi");

const authorizer = new apigateway.TokenAuthorizer(stack, "Jwt", {
  handler: new lambda.Function(stack, "Authorizer", {
    runtime: lambda.Runtime.PROVIDED_AL2023,
    architecture: lambda.Architecture.ARM_64,
    handler: "bootstrap",
    code: lambda.Code.fromAsset(zip),
    memorySize: 256,
    timeout: Duration.seconds(10),
    environment: { AUTHORIZER_CONFIG: readFileSync(configuration, "utf8") },
    loggingFormat: lambda.LoggingFormat.JSON,
  }),
  validationRegex: "^[Bb]earer +[-0-9A-Za-z_]+\\.[-0-9A-Za-z_]+\\.[-0-9A-Za-z_]+$",
  resultsCacheTtl: Duration.minutes(5),
});

const api = new apigateway.RestApi(stack, "Api", {
  defaultCorsPreflightOptions: { allowOrigins: ["*"], allowHeaders: ["Authorization", "Content-Type"] },
});

const backend = new lambda.Function(stack, "Orders", {
  runtime: lambda.Runtime.PYTHON_3_13,
  handler: "index.handler",
  code: lambda.Code.fromInline(
    'def handler(event, _):\n    return {"statusCode": 200, "body": event["requestContext"]["authorizer"]["principalId"]}\n',
  ),
});
// On the method and not as the API's default, which would also be that of the preflights.
api.root.addResource("orders").addMethod("GET", new apigateway.LambdaIntegration(backend), { authorizer });

const cors = { "Access-Control-Allow-Origin": "'*'" };
api.addGatewayResponse("Unauthorized", {
  type: apigateway.ResponseType.UNAUTHORIZED,
  statusCode: "401",
  responseHeaders: { ...cors, "WWW-Authenticate": "'Bearer error=\"invalid_token\"'" },
  templates: { "application/json": '{"message":"Unauthorized","error":"invalid_token"}' },
});
api.addGatewayResponse("AccessDenied", {
  type: apigateway.ResponseType.ACCESS_DENIED,
  statusCode: "403",
  responseHeaders: { ...cors, "WWW-Authenticate": "'Bearer'" },
  templates: {
    "application/json": '{"message":"Forbidden","error":"$context.authorizer.error","reason":"$context.authorizer.reason"}',
  },
});
api.addGatewayResponse("Error", { type: apigateway.ResponseType.DEFAULT_5XX, responseHeaders: cors });
