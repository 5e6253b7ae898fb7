// Writes the manifests and charts that Go packages embed and export into a folder, for tests/corpus/run.
// go.mod and go.sum say which packages these are.
package main

import (
	"io/fs"
	"log"
	"os"
	"path/filepath"

	istio "istio.io/istio/manifests"
	kubernetes "k8s.io/kubernetes/test/e2e/testing-manifests"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: embedded FOLDER")
	}
	packages := map[string]fs.FS{
		"istio.io/istio":    istio.FS,
		"k8s.io/kubernetes": kubernetes.GetE2ETestingManifestsFS().EmbeddedFS,
	}
	for name, files := range packages {
		folder := filepath.Join(os.Args[1], filepath.FromSlash(name))
		if err := os.CopyFS(folder, files); err != nil {
			log.Fatalf("failed to write %s: %v", name, err)
		}
	}
}
