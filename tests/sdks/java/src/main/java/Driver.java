import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;

/** Resolves the default credential chain once and prints the access key id, or the error. */
public final class Driver {
    public static void main(String[] args) {
        try (DefaultCredentialsProvider chain = DefaultCredentialsProvider.builder().build()) {
            System.out.println(chain.resolveCredentials().accessKeyId());
        } catch (Exception error) {
            System.out.println(error.getMessage());
            System.exit(1);
        }
    }
}
