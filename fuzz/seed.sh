#!/bin/sh
# Fills fuzz/corpus/ from the golden cases; what is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/decode corpus/admit corpus/manifests corpus/config_map corpus/names corpus/associations \
    corpus/association_resources corpus/role_policy
printf '{"identities":[{"namespace":"ns","serviceAccount":"sa"},{"namespace":"ns"},null],"x":[{}]}' \
    >corpus/associations/eks.json
for folder in ../tests/golden/*/; do
    name=$(basename "$folder")
    cp "$folder/review.json" "corpus/decode/$name.json"
    cp "$folder/review.json" "corpus/admit/$name.json"
    cp "$folder/world.yaml" "corpus/manifests/$name.yaml"
    cp "$folder/after.json" "corpus/manifests/$name.json"
    [ ! -f "$folder/policy.yaml" ] || cp "$folder/policy.yaml" "corpus/role_policy/$name.yaml"
    # What stands behind `config: |`.
    sed -n '/^  config: |$/,/^[^ ]/s/^    //p' "$folder/world.yaml" >"corpus/config_map/$name.json"
    [ -s "corpus/config_map/$name.json" ] || rm "corpus/config_map/$name.json"
    # What users wrote into the annotations that are read as a list or a number.
    sed -n 's#.*/\(skip-containers\|inject-containers\|token-expiration\)": "\(.*\)",\{0,1\}$#\2#p' \
        "$folder/review.json" | sed 's/\\"/"/g' >"corpus/names/$name"
    [ -s "corpus/names/$name" ] || rm "corpus/names/$name"
done
# At the bounds of a fuzzed build (crates/injection/src/excess.rs), and one beyond: one list of each kind.
pod() {
    printf '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{"uid":"u","resource":{"group":"","version":"v1","resource":"pods"},"operation":"CREATE","object":{"spec":{%s}}}}' "$2" |
        tee "corpus/decode/bound-$1.json" >"corpus/admit/bound-$1.json"
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
