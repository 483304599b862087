// The authorizer, whose zip and configuration lie beside this file, and the gateway's own answers.
import { readFileSync } from "node:fs";
import { Duration } from "aws-cdk-lib";
import * as apigateway from "aws-cdk-lib/aws-apigateway";
import * as lambda from "aws-cdk-lib/aws-lambda";
import type { Construct } from "constructs";

const zip = process.env.AUTHORIZER_ZIP ?? "apigw-jwt-authorizer-arm64.zip";
const configuration = process.env.AUTHORIZER_JSON ?? "authorizer.json";

/** One for each API: a function holds one set of rules. The API gets the permission to invoke it. */
export function jwtAuthorizer(scope: Construct): apigateway.TokenAuthorizer {
  return new apigateway.TokenAuthorizer(scope, "Jwt", {
    handler: new lambda.Function(scope, "Authorizer", {
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
}

/** Without these, browsers hide a 401, 403 or 500 of the gateway from the page. */
export function gatewayResponses(scope: Construct, restApi: apigateway.IRestApi): apigateway.GatewayResponse[] {
  const always = { "Access-Control-Allow-Origin": "'*'", "Cache-Control": "'no-store'" };
  const challenge = (value: string) => ({
    ...always,
    "Access-Control-Expose-Headers": "'WWW-Authenticate'",
    "WWW-Authenticate": `'${value}'`,
  });
  return [
    new apigateway.GatewayResponse(scope, "Unauthorized", {
      restApi,
      type: apigateway.ResponseType.UNAUTHORIZED,
      statusCode: "401",
      responseHeaders: challenge('Bearer error="invalid_token"'),
      templates: { "application/json": '{"message":"Unauthorized","error":"invalid_token"}' },
    }),
    new apigateway.GatewayResponse(scope, "AccessDenied", {
      restApi,
      type: apigateway.ResponseType.ACCESS_DENIED,
      statusCode: "403",
      responseHeaders: challenge("Bearer"),
      templates: {
        "application/json": '{"message":"Forbidden","error":"$context.authorizer.error","reason":"$context.authorizer.reason"}',
      },
    }),
    new apigateway.GatewayResponse(scope, "Error", {
      restApi,
      type: apigateway.ResponseType.DEFAULT_5XX,
      responseHeaders: always,
      templates: { "application/json": '{"message":"Internal server error"}' },
    }),
  ];
}
