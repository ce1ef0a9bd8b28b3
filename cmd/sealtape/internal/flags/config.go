package flags

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"
	"go.yaml.in/yaml/v3"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/keys"
)

// MaxConfig bounds a configuration file.
const MaxConfig = 1 << 20

// SecretFlags take a secret as their value. A file of settings is read by many
// eyes, so it may only say where a secret is.
var SecretFlags = map[string]string{
	"token": "token-file", "api-secret": "api-secret-file",
	"e2ee-passphrase": "e2ee-passphrase-file", "e2ee-key": "e2ee-key-file", "passphrase": "e2ee-passphrase-file",
}

// insteadOf are the environment variables that give what a flag tells where to
// get.
var insteadOf = map[string]string{
	"token-file": TokenVar, "token-command": TokenVar, "api-secret-file": APISecretVar, "e2ee-passphrase-file": E2EEPassphraseVar,
	"e2ee-key-file": E2EEPassphraseVar,
}

// alternatives are flags that say the same in different ways: any of them in the
// command line stands over all of them in the file.
var alternatives = [][]string{
	{"token", "token-file", "token-command"},
	{"api-secret", "api-secret-file"},
	{"no-e2ee", "e2ee-passphrase-file", "e2ee-key-file"},
}

// said reports whether the command line or the environment already say what the
// flag of this name would.
func said(c *cli.Context, name string) bool {
	if v := insteadOf[name]; c.IsSet(name) || v != "" && os.Getenv(v) != "" {
		return true
	}
	for _, names := range alternatives {
		if slices.Contains(names, name) && slices.ContainsFunc(names, c.IsSet) {
			return true
		}
	}
	return false
}

// A setting is one line of a configuration file.
type setting struct {
	Name   string
	Values []string
	Line   int
}

// Configure sets the flags of the running command from the file that --config
// names. A flag stands over the environment, and that over the file.
func Configure(e *ui.Env, c *cli.Context) error {
	path := c.String("config")
	if path == "" {
		return nil
	}
	settings, err := ReadConfig(c, path)
	if err != nil {
		return err
	}
	// What is said is looked at before anything is set.
	settings = slices.DeleteFunc(settings, func(s setting) bool { return said(c, s.Name) })
	level, format := c.String("log-level"), c.String("log-format")
	for _, s := range settings {
		switch s.Name {
		case "log-level":
			level = s.Values[0]
			continue
		case "log-format":
			format = s.Values[0]
			continue
		}
		for _, v := range s.Values {
			if err := c.Set(s.Name, v); err != nil {
				return settingError(path, s.Line, fmt.Errorf("%s: %q is not a value of it", s.Name, v), "")
			}
		}
	}
	return e.SetLogging(format, level)
}

// Set sets a flag of the running command as a line of a file does, and refuses what a file
// may not say.
func Set(c *cli.Context, name string, values []string) error {
	if instead := SecretFlags[name]; instead != "" {
		return ui.Hinted(ui.Misuse("%s: a secret has no place in here", name),
			"put it into a file that only the recorder can read, and that file's name after "+instead+":")
	}
	slice, err := settable(c, name)
	if err != nil {
		return unlikeSetting(c, name, ui.Hinted(ui.Misuse("%w", err), "the settings are the flags that sealtape record --help lists, without the dashes"))
	}
	if len(values) != 1 && !slice {
		return ui.Misuse("%s has one value", name)
	}
	for _, v := range values {
		if err := c.Set(name, v); err != nil {
			return ui.Misuse("%s: %q is not a value of it", name, v)
		}
	}
	return nil
}

// ReadConfig reads a configuration file for the running command.
func ReadConfig(c *cli.Context, path string) ([]setting, error) {
	b, err := readConfigFile(path)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil // empty, or comments only
	case err != nil:
		return nil, ui.Hinted(fmt.Errorf("%s: %w", path, err), "a line for each flag, as NAME: VALUE")
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s holds more than one document", path)
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, settingError(path, root.Line, errors.New("not a list of settings"), "a line for each flag, as NAME: VALUE")
	}
	var out []setting
	for i := 0; i < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		s := setting{Name: key.Value, Line: key.Line}
		if instead := SecretFlags[s.Name]; instead != "" {
			return nil, settingError(path, s.Line, fmt.Errorf("%s: a secret has no place in here", s.Name),
				"put it into a file that only the recorder can read, and that file's name after "+instead+":")
		}
		slice, err := settable(c, s.Name)
		if err != nil {
			return nil, unlikeSetting(c, s.Name, settingError(path, s.Line, err, "the settings are the flags that sealtape record --help lists, without the dashes"))
		}
		if slices.ContainsFunc(out, func(o setting) bool { return o.Name == s.Name }) {
			return nil, settingError(path, s.Line, fmt.Errorf("%s is set twice", s.Name), "")
		}
		values := []*yaml.Node{value}
		if slice && value.Kind == yaml.SequenceNode {
			values = value.Content
		}
		for _, v := range values {
			if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
				return nil, settingError(path, v.Line, fmt.Errorf("%s has no plain value", s.Name), "")
			}
			s.Values = append(s.Values, v.Value)
		}
		if len(s.Values) > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// unlikeSetting adds to err which setting of the running command was probably meant.
func unlikeSetting(c *cli.Context, name string, err error) error {
	var names []string
	for _, f := range slices.Concat(c.Command.Flags, ui.LogFlags()) {
		names = append(names, f.Names()[0])
	}
	return ui.Unlike(err, name, names)
}

// settable reports whether the running command has a flag of this name, and
// whether it can be repeated.
func settable(c *cli.Context, name string) (slice bool, err error) {
	for _, f := range slices.Concat(c.Command.Flags, ui.LogFlags()) {
		if f.Names()[0] != name || name == "config" || name == "secrets-file" || name == "help" {
			continue
		}
		_, slice := f.(*cli.StringSliceFlag)
		return slice, nil
	}
	return false, fmt.Errorf("there is no setting %q", name)
}

// readConfigFile reads a file that nobody else may change: it says who can open
// the recording, and which command makes its token.
func readConfigFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := fi.Mode().Perm(); mode&0o022 != 0 && runtime.GOOS != "windows" {
		return nil, &keys.PermissionError{Path: path, Mode: mode, Want: mode &^ 0o022}
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxConfig+1))
	if err == nil && len(b) > MaxConfig {
		err = fmt.Errorf("%s is longer than %d bytes", path, MaxConfig)
	}
	return b, err
}

func settingError(path string, line int, err error, hint string) error {
	err = ui.Misuse("%s, line %d: %w", path, line, err)
	if hint != "" {
		err = ui.Hinted(err, hint)
	}
	return err
}

// ConfigHelp is what the help of record says of --config.
const ConfigHelp = `--config FILE reads flags from YAML. Each line is a flag without its dashes, and its value:

  room: weekly
  title: Weekly meeting
  store: s3://meetings/2026   # or [s3://meetings/2026, /mnt/archive]
  reader: [Bob, age1pq1…]
  url: wss://meet.example.org
  api-key: APIxyz
  api-secret-file: /etc/sealtape/api-secret
  metrics-addr: 127.0.0.1:9464

Flags override the environment, and the environment overrides the file. The file holds no
secrets, only the names of files that do. "sealtape doctor --unit" prints a systemd unit
that uses it.`

// The environment answers what should not stand in a command line, where ps
// shows it.
const (
	E2EEPassphraseVar = "SEALTAPE_E2EE_PASSPHRASE"
	APISecretVar      = "LIVEKIT_API_SECRET"
	TokenVar          = "LIVEKIT_TOKEN"
)
