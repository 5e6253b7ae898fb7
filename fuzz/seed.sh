#!/bin/sh
# Fills fuzz/corpus/ from the golden cases; what is there already stays.
set -eu
cd "$(dirname "$0")"
mkdir -p corpus/decode corpus/admit corpus/manifests corpus/config_map corpus/names corpus/associations \
    corpus/association_resources corpus/role_policy
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
