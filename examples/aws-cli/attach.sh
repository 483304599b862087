#!/usr/bin/env bash
# Attaches a deployed authorizer to a REST API of the same account and region.
#
#   attach.sh REST_API_ID STAGE AUTHORIZER_ARN [PUBLIC_ROUTE...]
#   attach.sh a1b2c3d4e5 prod arn:aws:lambda:eu-west-1:123456789012:function:jwt-authorizer "GET /health"
#
# Every method gets the authorizer, except for OPTIONS (browsers send no token with a preflight), the public routes, and methods
# that IAM, Cognito or another authorizer protects. CACHE_SECONDS (300) and ALLOW_ORIGIN (*) are read from the environment.
# It can be run again, also with other public routes. It replaces the API's gateway responses UNAUTHORIZED, ACCESS_DENIED and
# DEFAULT_5XX, and deploys to STAGE all that has changed in the API since its last deployment.
set -euo pipefail

if [[ $# -lt 3 || $3 != arn:*:lambda:* ]]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
api=$1 stage=$2 function=$3
shift 3
public=("$@")
expression='^[Bb]earer +[-0-9A-Za-z_]+\.[-0-9A-Za-z_]+\.[-0-9A-Za-z_]+$'
seconds=${CACHE_SECONDS:-300}
origin=${ALLOW_ORIGIN:-*}
IFS=: read -r _ partition _ region account _ <<<"$function"
export AWS_PAGER=

# 1. The authorizer, unless an earlier run made it.
uri="arn:$partition:apigateway:$region:lambda:path/2015-03-31/functions/$function/invocations"
authorizer=$(aws apigateway get-authorizers --rest-api-id "$api" --query "items[?authorizerUri=='$uri'] | [0].id" --output text)
if [ "$authorizer" = None ]; then
    authorizer=$(aws apigateway create-authorizer --rest-api-id "$api" --name jwt --type TOKEN \
        --authorizer-uri "$uri" --identity-source method.request.header.Authorization \
        --identity-validation-expression "$expression" --authorizer-result-ttl-in-seconds "$seconds" --query id --output text)
else
    aws apigateway update-authorizer --rest-api-id "$api" --authorizer-id "$authorizer" --output text --query id --patch-operations \
        "op=replace,path=/identityValidationExpression,value='$expression'" \
        "op=replace,path=/authorizerResultTtlInSeconds,value=$seconds" >/dev/null
fi
echo "authorizer $authorizer"

# 2. Its permission: without it every request with a token is answered with 500.
if ! error=$(aws lambda add-permission --function-name "$function" --statement-id "api-gateway-$api-$authorizer" \
    --action lambda:InvokeFunction --principal apigateway.amazonaws.com \
    --source-arn "arn:$partition:execute-api:$region:$account:$api/authorizers/$authorizer" 2>&1 >/dev/null); then
    case $error in
        *ResourceConflictException*) ;; # from an earlier run
        *) echo "$error" >&2; exit 1 ;;
    esac
fi

# 3. The answers of the gateway itself, which have no CORS headers otherwise.
cors="\"gatewayresponse.header.Access-Control-Allow-Origin\":\"'$origin'\",\"gatewayresponse.header.Cache-Control\":\"'no-store'\""
expose="\"gatewayresponse.header.Access-Control-Expose-Headers\":\"'WWW-Authenticate'\""
respond() { # TYPE HEADERS BODY [--status-code STATUS]
    aws apigateway put-gateway-response --rest-api-id "$api" --response-type "$1" --response-parameters "{$2}" \
        --response-templates "$3" "${@:4}" --output text --query responseType >/dev/null
}
respond UNAUTHORIZED "$cors,$expose,\"gatewayresponse.header.WWW-Authenticate\":\"'Bearer error=\\\"invalid_token\\\"'\"" \
    '{"application/json":"{\"message\":\"Unauthorized\",\"error\":\"invalid_token\"}"}' --status-code 401
respond ACCESS_DENIED "$cors,$expose,\"gatewayresponse.header.WWW-Authenticate\":\"'Bearer'\"" \
    '{"application/json":"{\"message\":\"Forbidden\",\"error\":\"$context.authorizer.error\",\"reason\":\"$context.authorizer.reason\"}"}' \
    --status-code 403
respond DEFAULT_5XX "$cors" '{"application/json":"{\"message\":\"Internal server error\"}"}'

# 4. The methods.
is_public() {
    local route
    for route in ${public[@]+"${public[@]}"}; do
        [ "$route" != "$1" ] || return 0
    done
    return 1
}
resources=$(aws apigateway get-resources --rest-api-id "$api" --embed methods \
    --query "items[?resourceMethods].[id, path, join(' ', keys(resourceMethods))]" --output text)
while IFS=$'\t' read -r resource path methods; do
    for method in $methods; do
        update() {
            aws apigateway update-method --rest-api-id "$api" --resource-id "$resource" --http-method "$method" \
                --patch-operations "$@" --output text --query httpMethod >/dev/null
        }
        found=$(aws apigateway get-method --rest-api-id "$api" --resource-id "$resource" --http-method "$method" \
            --query '[authorizationType, authorizerId]' --output text)
        case $found in
            $'NONE\t'* | $'CUSTOM\t'"$authorizer") ;;
            *)
                echo "left as it is (${found%%$'\t'*}): $method $path"
                continue
                ;;
        esac
        if [ "$method" = OPTIONS ] || is_public "$method $path"; then
            update op=replace,path=/authorizationType,value=NONE
            echo "public: $method $path"
        else
            update op=replace,path=/authorizationType,value=CUSTOM "op=replace,path=/authorizerId,value=$authorizer"
            echo "protected: $method $path"
        fi
    done
done <<<"$resources"

# 5. Nothing of this is in effect before a deployment.
deployment=$(aws apigateway create-deployment --rest-api-id "$api" --stage-name "$stage" --query id --output text)
echo "deployment $deployment to $stage"
