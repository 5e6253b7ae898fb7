// Resolves the default credential chain once and prints the access key id, or the error.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
)

func main() {
	id, err := accessKeyID(context.Background())
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(id)
}

func accessKeyID(ctx context.Context) (string, error) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return "", err
	}
	credentials, err := loaded.Credentials.Retrieve(ctx)
	return credentials.AccessKeyID, err
}
