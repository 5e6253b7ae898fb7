// A workload on the AWS SDK for Go: finds credentials as the SDK does, asks STS who it is, prints one line.
// All that it knows comes from the environment and the files that this names, read by the SDK alone.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// How long all of it may take: a pod that gets no answer has failed.
const deadline = 20 * time.Second

var errNoCredentials = errors.New("no credentials")

// What is printed; client.py prints the same.
type line struct {
	OK                bool    `json:"ok"`
	SDK               string  `json:"sdk"`
	Arn               *string `json:"arn"`
	Account           *string `json:"account"`
	AccessKeyIDPrefix *string `json:"accessKeyIdPrefix"`
	Error             *string `json:"error"`
	Message           *string `json:"message"`
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	printed := line{SDK: "go"}
	err := identify(ctx, &printed)
	if err == nil {
		printed.OK = true
	} else {
		class, message := classify(ctx, err), err.Error()
		printed.Error, printed.Message = &class, &message
	}
	if err := json.NewEncoder(os.Stdout).Encode(printed); err != nil || !printed.OK {
		os.Exit(1)
	}
}

func identify(ctx context.Context, printed *line) error {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	// The client takes them from the same cache, so STS is asked for them once.
	credentials, err := loaded.Credentials.Retrieve(ctx)
	if err != nil {
		// The chain ends with the node, which the image forbids to ask.
		if aws.IsCredentialsProvider(loaded.Credentials, (*ec2rolecreds.Provider)(nil)) {
			return fmt.Errorf("%w: %w", errNoCredentials, err)
		}
		return err
	}
	printed.AccessKeyIDPrefix = aws.String(credentials.AccessKeyID[:min(4, len(credentials.AccessKeyID))])
	identity, err := sts.NewFromConfig(loaded).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return err
	}
	printed.Arn, printed.Account = identity.Arn, identity.Account
	return nil
}

// A code of STS, NoCredentials, Timeout, or the SDK's own class.
func classify(ctx context.Context, err error) string {
	var refused smithy.APIError
	isRefused := errors.As(err, &refused)
	switch {
	case errors.Is(err, errNoCredentials):
		return "NoCredentials"
	case isRefused && refused.ErrorCode() != "":
		return refused.ErrorCode()
	case isRefused: // by an agent, whose errors are text
		return class(refused)
	case ctx.Err() != nil:
		return "Timeout"
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if name := class(cause); name != "" {
			return name
		}
	}
	return "Error"
}

// The name of an error's type, unless it is one of those that only wrap a text.
func class(err error) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
	if strings.HasPrefix(name, "fmt.") || strings.HasPrefix(name, "errors.") {
		return ""
	}
	return name[strings.LastIndex(name, ".")+1:]
}
