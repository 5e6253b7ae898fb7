#!/bin/sh
# Fills fuzz/corpus/ from the golden cases; what is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/decode corpus/admit corpus/manifests corpus/config_map corpus/names corpus/associations \
    corpus/association_resources corpus/role_policy corpus/sigv4 corpus/eks_routes corpus/eks_bodies corpus/token corpus/jwks
printf '{"identities":[{"namespace":"ns","serviceAccount":"sa"},{"namespace":"ns"},null],"x":[{}]}' \
    >corpus/associations/eks.json
# The review of a pod that is being made, by a name for it and the pod.
review() {
    printf '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","resource":{"group":"","version":"v1","resource":"pods"},"namespace":"shop","operation":"CREATE","object":%s}}' "$2" |
        tee "corpus/decode/$1.json" >"corpus/admit/$1.json"
}
for folder in ../tests/golden/*/; do
    name=$(basename "$folder")
    if [ -f "$folder/pod.json" ]; then
        sent=$folder/pod.json
        review "$name" "$(cat "$sent")"
        cp "$sent" "corpus/manifests/$name.json"
    else
        sent=$folder/review.json
        cp "$sent" "corpus/decode/$name.json"
        cp "$sent" "corpus/admit/$name.json"
    fi
    cp "$folder/world.yaml" "corpus/manifests/$name.yaml"
    [ ! -f "$folder/policy.yaml" ] || cp "$folder/policy.yaml" "corpus/role_policy/$name.yaml"
    # What stands behind `config: |`.
    sed -n '/^  config: |$/,/^[^ ]/s/^    //p' "$folder/world.yaml" >"corpus/config_map/$name.json"
    [ -s "corpus/config_map/$name.json" ] || rm "corpus/config_map/$name.json"
    # What users wrote into the annotations that are read as a list or a number.
    sed -n 's#.*/\(skip-containers\|inject-containers\|token-expiration\)": "\(.*\)",\{0,1\}$#\2#p' \
        "$sent" | sed 's/\\"/"/g' >"corpus/names/$name"
    [ -s "corpus/names/$name" ] || rm "corpus/names/$name"
done
# At the bounds of a fuzzed build (crates/injection/src/excess.rs), and one beyond: one list of each kind.
pod() {
    review "bound-$1" "{\"spec\":{$2}}"
}
pod containers '"containers":[{},{},{},{}]'
pod containers-beyond '"initContainers":[{},{}],"containers":[{},{},{}]'
pod volumes '"volumes":[{},{},{},{}]'
pod volumes-beyond '"volumes":[{},{},{},{},{}]'
token='{"serviceAccountToken":{"path":"t"}}'
pod tokens-beyond "\"volumes\":[{\"projected\":{\"sources\":[$token,$token,$token,$token]}}]"
pod mounts-beyond '"containers":[{"volumeMounts":[{},{},{},{},{},{},{}]}]'
cp ../examples/association-resources.yaml corpus/association_resources/
cp ../examples/role-policy.yaml corpus/role_policy/
# A call of each kind, as clients send it.
id=a-abcdefghij1234567
arn=arn%3Aaws%3Aeks%3Aeu-west-1%3A123456789012%3Apodidentityassociation%2Fprod%2F$id
associations=/clusters/prod/pod-identity-associations
token=AWRPe4z1rKauc2hvcC9vcmRlcnM
call() {
    printf '%s' "$2" >"corpus/eks_routes/$1"
    printf '%s\nHost: 127.0.0.1:4000\nX-Amz-Date: 20150830T123600Z\nContent-Type: application/json\nAuthorization: %s\n\n%s' \
        "$2" 'AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE23/20150830/eu-west-1/eks/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=0' \
        '{}' >"corpus/sigv4/$1"
}
call create "POST $associations"
call list "GET $associations?maxResults=7&namespace=shop&nextToken=$token&serviceAccount=orders"
call describe "GET $associations/$id"
call update "POST $associations/$id"
call delete "DELETE $associations/$id"
call tag "POST /tags/$arn"
call untag "DELETE /tags/$arn?tagKeys=a&tagKeys=b%2Fc"
call tags "GET /tags/arn:aws:eks:eu-west-1:123456789012:podidentityassociation/prod/$id"
call cluster 'GET /clusters/prod'
call clusters 'GET /clusters?maxResults=1'
printf '{"namespace":"shop","serviceAccount":"orders","roleArn":"arn","clientRequestToken":"t","tags":{"k":"v"},"disableSessionTags":true,"targetRoleArn":"arn","policy":"{}"}' \
    >corpus/eks_bodies/create.json
printf '{"roleArn":"arn","clientRequestToken":"t","disableSessionTags":false,"targetRoleArn":"","policy":""}' \
    >corpus/eks_bodies/update.json
# Claims of a token that counts, what its header may say, and tokens and keys that Go wrote.
printf '{"aud":["a"],"exp":1001,"iat":1,"iss":"i","jti":"j","kubernetes.io":{"namespace":"n","node":{"name":"w","uid":"u"},"pod":{"name":"p","uid":"u"},"serviceaccount":{"name":"s","uid":"u"},"warnafter":9},"nbf":1,"sub":"system:serviceaccount:n:s"}' \
    >corpus/token/claims.json
printf '{"alg":"ES256","kid":"k","typ":"JWT"}' >corpus/token/header.json
printf '{"alg":"none","crit":["b64"]}' >corpus/token/refused.json
go=../crates/tokens/tests/data/go-jose.json
for algorithm in RS256 ES256 ES384 ES512; do
    sed -n "s/.*\"$algorithm\": \"\(ey.*\)\".*/\1/p" "$go" | tr -d '\n' >"corpus/token/$algorithm.jwt"
done
sed -n '/"jwks": {/,/^  }/p' "$go" | sed '1s/.*/{/;$s/,$//' >corpus/jwks/go-jose.json
printf '{"keys":[{"kty":"oct","k":"AA"},{"kty":"RSA","key_ops":["verify"],"use":"enc","n":"","e":"AQAB"},7]}' \
    >corpus/jwks/refused.json
