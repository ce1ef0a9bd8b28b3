package flags

import (
	"context"
	_ "embed" // the scripts
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// Completion returns the command that prints what makes a shell complete.
func Completion() *cli.Command {
	var o CompletionOptions
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a script that makes your shell complete commands, flags, IDs and names",
		ArgsUsage: "bash|zsh|fish",
		Description: `Save the script where your shell looks for it, and start a new shell. For recordings, the
script asks the store of --store or SEALTAPE_STORE; for names, it reads your pinned cards.`,
		UsageText: `  sealtape completion bash > ~/.local/share/bash-completion/completions/sealtape
  sealtape completion zsh > ~/.zfunc/_sealtape    # with fpath+=~/.zfunc before compinit
  sealtape completion fish > ~/.config/fish/completions/sealtape.fish`,
		Action: Action(&o, runCompletion, Argument{Name: "bash, zsh or fish", To: &o.Shell}),
	}
}

// CompletionOptions are those of it.
type CompletionOptions struct{ Shell string }

// Shells are those that there is a script for.
func Shells() []string { return []string{"bash", "zsh", "fish"} }

// Check refuses a shell that is not known.
func (o *CompletionOptions) Check() error {
	if _, ok := scripts[o.Shell]; !ok {
		return ui.Unlike(ui.Misuse("no completion for %q, want %s", o.Shell, strings.Join(Shells(), ", ")), o.Shell, Shells())
	}
	return nil
}

func runCompletion(_ context.Context, e *ui.Env, o *CompletionOptions) error {
	e.Printf("%s", scripts[o.Shell])
	return nil
}

// All scripts ask sealtape itself, with the words typed so far: see command complete.
var (
	//go:embed completion.bash
	bashScript string
	//go:embed completion.zsh
	zshScript string
	//go:embed completion.fish
	fishScript string

	scripts = map[string]string{"bash": bashScript, "zsh": zshScript, "fish": fishScript}
)
