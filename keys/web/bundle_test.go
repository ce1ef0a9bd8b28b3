package web_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

var update = flag.Bool("update", false, "write the player's bundle of this package anew")

const bundle = "../../playback/web/page/alone/keys_web.js"

// TestBundle: what the player's page has of this package is made of this package. The page
// has no build step, and the package needs others: so they are bundled here, and committed.
func TestBundle(t *testing.T) {
	sample.Live(t)
	cmd := exec.CommandContext(t.Context(), tools+"/esbuild/bin/esbuild", "player.js", "--bundle", "--format=iife", "--global-name=keysWeb", "--minify",
		"--target=es2022", "--supported:template-literal=false", "--legal-comments=none", "--log-level=warning")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	code, err := cmd.Output()
	if err != nil {
		t.Fatalf("run npm ci in testdata/typescript: %v\n%s", err, &stderr)
	}
	entry, err := os.ReadFile("player.js")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "// @ts-nocheck\n// Made of keys/web and what that needs, by: go test ./keys/web -run TestBundle -update\n/*!\n%s*/\n%s", licences(t), code)
	for _, m := range regexp.MustCompile(`(?m)^export \{ (.*) \} from`).FindAllSubmatch(entry, -1) {
		for name := range strings.SplitSeq(string(m[1]), ", ") {
			fmt.Fprintf(&out, "export const %s = keysWeb.%[1]s;\n", name)
		}
	}
	if *update {
		if err := os.WriteFile(bundle, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if committed, err := os.ReadFile(bundle); err != nil || !bytes.Equal(committed, out.Bytes()) {
		t.Errorf("%s is not what this package makes: run go test ./keys/web -run TestBundle -update (%v)", bundle, err)
	}
}

// licences returns those of the packages in the bundle.
func licences(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	seen := make(map[string]string)
	for _, name := range []string{"age-encryption", "@noble/ciphers", "@noble/curves", "@noble/hashes", "@noble/post-quantum", "@scure/base"} {
		b, err := os.ReadFile(filepath.Join("node_modules", name, "LICENSE"))
		if err != nil {
			t.Fatalf("run npm ci in keys/web: %v", err)
		}
		text := strings.ReplaceAll(strings.TrimSpace(string(b)), "*/", "* /")
		if same, ok := seen[text]; ok {
			fmt.Fprintf(&out, "%s: as %s\n\n", name, same)
			continue
		}
		seen[text] = name
		fmt.Fprintf(&out, "%s:\n\n%s\n\n", name, text)
	}
	return out.String()
}
