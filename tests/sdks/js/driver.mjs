// Resolves the default credential chain once and prints the access key id, or the error.
import { defaultProvider } from "@aws-sdk/credential-provider-node";

try {
  const { accessKeyId } = await defaultProvider()();
  console.log(accessKeyId);
} catch (error) {
  console.log(error.message || error.name);
  process.exitCode = 1;
}
