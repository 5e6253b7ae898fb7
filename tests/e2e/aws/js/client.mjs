// The same workload on the AWS SDK for JavaScript: finds credentials as the SDK does, asks STS who it is, prints
// one line. All that it knows comes from the environment and the files that this names, read by the SDK alone.

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const DEADLINE_SECONDS = 20;
const line = {
  ok: false, sdk: "js", arn: null, account: null, accessKeyIdPrefix: null, error: null, message: null,
};

async function identify() {
  const client = new STSClient({});
  // The client keeps them, so STS is asked for them once.
  const credentials = await client.config.credentials();
  line.accessKeyIdPrefix = credentials.accessKeyId.slice(0, 4);
  const identity = await client.send(new GetCallerIdentityCommand({}));
  line.arn = identity.Arn;
  line.account = identity.Account;
  line.ok = true;
}

// A code of STS, NoCredentials, or the SDK's own class.
function classify(error) {
  if (error.name === "CredentialsProviderError" && error.message.startsWith("Could not load credentials")) {
    return "NoCredentials";
  }
  // What STS itself calls it, where the SDK has another name; Node's own errors have a code alone.
  return error.Code ?? (error.name === "Error" && error.code ? error.code : error.name);
}

function end() {
  process.stdout.write(`${JSON.stringify(line)}\n`, () => process.exit(line.ok ? 0 : 1));
}

setTimeout(() => {
  Object.assign(line, { ok: false, error: "Timeout", message: `no answer in ${DEADLINE_SECONDS} s` });
  end();
}, DEADLINE_SECONDS * 1000).unref();

identify()
  .catch((error) => Object.assign(line, { error: classify(error), message: error.message }))
  .finally(end);
