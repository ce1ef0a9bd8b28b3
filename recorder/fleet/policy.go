package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// maxPolicies bounds a folder of policies, and maxRooms the patterns of one.
const (
	maxPolicies = 4096
	maxRooms    = 1024
)

// A Policy says how some rooms are recorded. It does not change.
type Policy struct {
	// Name is that of its file, without the ending.
	Name string
	// Rooms are the rooms that it is for.
	Rooms []Pattern
	// Asked says that the rooms are recorded only when somebody asks for it, and not because
	// people meet in them: "start: asked".
	Asked bool
	// Command is asked for the room's keys, or for more settings; empty for none.
	Command []string
	// Settings are those of "sealtape record".
	Settings []Setting
}

// ParsePolicy reads a policy. It does not know which settings there are; ParsePolicy
// refuses those that a worker sets itself.
func ParsePolicy(name string, b []byte) (*Policy, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	said, err := parse(name, b)
	if err != nil {
		return nil, err
	}
	p := &Policy{Name: name, Asked: said.asked, Command: said.command, Settings: said.settings}
	if len(said.rooms) == 0 {
		return nil, fmt.Errorf(`%s: rooms is missing: it lists the rooms that the policy is for, such as ["board-*"]`, name)
	}
	if len(said.rooms) > maxRooms {
		return nil, fmt.Errorf("%s: rooms has more than %d patterns", name, maxRooms)
	}
	for _, r := range said.rooms {
		pattern, err := ParsePattern(r)
		if err != nil {
			return nil, fmt.Errorf("%s: rooms: %w", name, err)
		}
		p.Rooms = append(p.Rooms, pattern)
	}
	if len(p.Command) > 0 && p.Command[0] == "" {
		return nil, fmt.Errorf("%s: command names no program", name)
	}
	return p, nil
}

// Serves reports whether the policy is for a room.
func (p *Policy) Serves(room string) bool {
	return slices.ContainsFunc(p.Rooms, func(r Pattern) bool { return r.Matches(room) })
}

// Setting returns the values of a setting, nil if it is not set.
func (p *Policy) Setting(name string) []string {
	for _, s := range p.Settings {
		if s.Name == name {
			return s.Values
		}
	}
	return nil
}

// Config returns the policy as a file for "record --config", with more settings, each of
// which replaces one of its name.
func (p *Policy) Config(more ...Setting) ([]byte, error) {
	return config(replaced(p.Settings, more))
}

// replaced returns settings of which more replace those of their names.
func replaced(settings, more []Setting) []Setting {
	kept := slices.DeleteFunc(slices.Clone(settings), func(s Setting) bool {
		return slices.ContainsFunc(more, func(m Setting) bool { return m.Name == s.Name })
	})
	return append(kept, more...)
}

// A Question is what the Command of a policy gets on standard input, as JSON.
type Question struct {
	Policy string `json:"policy"`
	Room   string `json:"room"`
	// SID is the server's ID of this meeting.
	SID string `json:"sid"`
}

// Resolve asks the command of the policy, and returns the policy with the settings of the
// answer, and the room's keys as a key file of "record --e2ee-key-file"; nil keys where the
// command gave none. The answer is a JSON object with "settings", an object as a policy
// has them without rooms, and "keys", a key file. Both may be left out. Without a command,
// the policy is what it is. No error shows what the command answered.
func (p *Policy) Resolve(ctx context.Context, ask Program, q Question) (*Policy, []byte, error) {
	if len(p.Command) == 0 {
		return p, nil, nil
	}
	ask.Args = p.Command
	var answer struct {
		Settings json.RawMessage `json:"settings"`
		Keys     json.RawMessage `json:"keys"`
	}
	if err := ask.Ask(ctx, q, &answer); err != nil {
		return nil, nil, fmt.Errorf("the command of policy %s: %w", p.Name, err)
	}
	known := *p
	if len(answer.Settings) > 0 {
		said, err := parse("its answer", answer.Settings)
		if err == nil && (said.rooms != nil || said.command != nil || said.start) {
			err = errors.New("its answer sets rooms, start or command, which only a file can")
		}
		if err != nil {
			return nil, nil, fmt.Errorf("the command of policy %s: %w", p.Name, errAnswer)
		}
		for i := range said.settings {
			said.settings[i].Line = 0
		}
		known.Settings = replaced(p.Settings, said.settings)
	}
	if string(answer.Keys) == "null" {
		answer.Keys = nil
	}
	return &known, answer.Keys, nil
}

// errAnswer: the answer of a command says what no answer can.
var errAnswer = errors.New("the settings in its answer are none, or not for an answer to set")

// Policies are those of one folder. The zero value has none.
type Policies struct{ byName map[string]*Policy }

// Find returns a policy by its name, nil if there is none.
func (p *Policies) Find(name string) *Policy {
	if p == nil {
		return nil
	}
	return p.byName[name]
}

// All returns the policies by name.
func (p *Policies) All() []*Policy {
	if p == nil {
		return nil
	}
	var all []*Policy
	for _, one := range p.byName {
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b *Policy) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ErrNoPolicies: a folder has none.
var ErrNoPolicies = errors.New("no policy in it: a policy is a file NAME.yaml")

// ReadPolicies reads the files NAME.yaml and NAME.yml of a folder; NAME is that of the
// policy. check, if not nil, says what else is wrong with one. All must be right: the error
// joins what is wrong with each. Nobody else may be able to change the files.
func ReadPolicies(dir string, check func(*Policy) error) (*Policies, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := &Policies{byName: make(map[string]*Policy)}
	var errs []error
	for _, e := range entries {
		name, ok := policyName(e.Name())
		if !ok {
			continue
		}
		if len(all.byName) >= maxPolicies {
			return nil, fmt.Errorf("%s has more than %d policies", dir, maxPolicies)
		}
		p, err := readPolicy(name, filepath.Join(dir, e.Name()))
		if err == nil && check != nil {
			err = check(p)
		}
		if err == nil && all.byName[name] != nil {
			err = fmt.Errorf("policy %s is in two files", name)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.Join(dir, e.Name()), err))
			continue
		}
		all.byName[name] = p
	}
	if len(errs) == 0 && len(all.byName) == 0 {
		errs = append(errs, fmt.Errorf("%s: %w", dir, ErrNoPolicies))
	}
	if len(errs) > 0 {
		all := errs[0]
		for _, err := range errs[1:] {
			all = fmt.Errorf("%w; %w", all, err)
		}
		return nil, all
	}
	return all, nil
}

// policyName returns the name of the policy that a file is, if it is one.
func policyName(file string) (name string, ok bool) {
	if name, ok = strings.CutSuffix(file, ".yaml"); !ok {
		name, ok = strings.CutSuffix(file, ".yml")
	}
	return name, ok && !strings.HasPrefix(file, ".")
}

// A WritableError says that others than its owner can change a policy, who could add
// readers then.
type WritableError struct {
	Path string
	Mode fs.FileMode
}

func (e *WritableError) Error() string {
	return fmt.Sprintf("%s can be changed by others (mode %#o)", e.Path, e.Mode)
}

func readPolicy(name, path string) (*Policy, error) {
	// Before it is opened: a pipe that nobody writes to would hold us up for ever.
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, errors.New("not a file")
	}
	if mode := fi.Mode().Perm(); mode&0o022 != 0 && runtime.GOOS != "windows" {
		return nil, &WritableError{path, mode}
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxPolicy+1))
	if err != nil {
		return nil, err
	}
	return ParsePolicy(name, b)
}
