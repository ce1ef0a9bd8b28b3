package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/internal/words"
	"github.com/sealtape/sealtape/keys"
)

// maxSecrets bounds a file of secrets.
const maxSecrets = 256 << 10

// secretsHelp describes --secrets-file.
const secretsHelp = `What the environment may say in secret, --secrets-file may say, too, as JSON:
    {"LIVEKIT_API_SECRET": "...", "AWS_SECRET_ACCESS_KEY": "...", "SEALTAPE_PASSPHRASE": "..."}
It stands over the environment. The file may be a pipe, such as /dev/fd/3.`

// takeSecrets puts the secrets of a file where those of the environment are looked for: into
// this process's copy of it, which /proc does not show. dropSecrets removes them again.
func takeSecrets(path string) error {
	secrets, err := readSecrets(path)
	if err != nil {
		var open *keys.PermissionError
		if err = ui.Misuse("--secrets-file: %w", err); errors.As(err, &open) {
			err = ui.WithHints(err, ui.PermissionHint(open))
		}
		return err
	}
	for name, value := range secrets {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("--secrets-file: %s cannot be set", name)
		}
	}
	return nil
}

// readSecrets reads a file of secrets that nobody else can read. No error repeats a value.
func readSecrets(path string) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := fi.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, &keys.PermissionError{Path: path, Mode: mode, Want: 0o600}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxSecrets+1))
	if err != nil {
		return nil, err
	}
	defer clear(b)
	var secrets map[string]string
	if len(b) > maxSecrets || json.Unmarshal(b, &secrets) != nil {
		return nil, fmt.Errorf("%s is no JSON object of texts, or longer than %d bytes", path, maxSecrets)
	}
	for name := range secrets {
		if !slices.Contains(secretVars, name) {
			return nil, fmt.Errorf("%s has %s, which is no secret that is looked for", path, words.Quote(name))
		}
	}
	return secrets, nil
}
