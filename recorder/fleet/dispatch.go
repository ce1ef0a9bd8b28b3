package fleet

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// MaxDispatch bounds the metadata of a dispatch, in bytes.
const MaxDispatch = 1 << 10

// ErrDispatch is in every error about what a dispatch says. None repeats any of it: it
// comes from whoever can dispatch.
var ErrDispatch = errors.New("not a dispatch of a recorder")

// A Dispatch is what the metadata of a dispatch say, as JSON: {"policy": "weekly"}.
type Dispatch struct {
	// Policy is the name of a policy.
	Policy string
}

// Metadata returns the metadata that say d.
func (d Dispatch) Metadata() string {
	b, err := json.Marshal(map[string]string{"policy": d.Policy})
	if err != nil {
		panic("fleet: internal error: " + err.Error())
	}
	return string(b)
}

// ParseDispatch reads the metadata of a dispatch. An unknown field is an error, and so is
// one that stands twice or is written in another case: nobody is to think that they said
// something.
func ParseDispatch(metadata string) (Dispatch, error) {
	if len(metadata) > MaxDispatch {
		return Dispatch{}, fmt.Errorf("%w: longer than %d bytes", ErrDispatch, MaxDispatch)
	}
	if strings.TrimSpace(metadata) == "" {
		return Dispatch{}, fmt.Errorf("%w: it names no policy", ErrDispatch)
	}
	d := json.NewDecoder(strings.NewReader(metadata))
	next := func() json.Token {
		t, err := d.Token()
		if err != nil {
			return nil
		}
		return t
	}
	if next() != json.Delim('{') {
		return Dispatch{}, fmt.Errorf("%w: no JSON object", ErrDispatch)
	}
	if next() != "policy" {
		return Dispatch{}, fmt.Errorf("%w: its only field is policy", ErrDispatch)
	}
	name, ok := next().(string)
	if !ok {
		return Dispatch{}, fmt.Errorf("%w: policy is no text", ErrDispatch)
	}
	if next() != json.Delim('}') {
		return Dispatch{}, fmt.Errorf("%w: its only field is policy, once", ErrDispatch)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Dispatch{}, fmt.Errorf("%w: something follows it", ErrDispatch)
	}
	if err := CheckName(name); err != nil {
		return Dispatch{}, fmt.Errorf("%w: %w", ErrDispatch, err)
	}
	return Dispatch{Policy: name}, nil
}

// maxName bounds the name of a policy.
const maxName = 64

// CheckName returns an error unless name can be that of a policy: 1 to 64 of the letters a
// to z, digits, and after the first of them also dots, hyphens and underscores.
func CheckName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("the name of a policy has 1 to %d characters", maxName)
	}
	for i, c := range []byte(name) {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || i > 0 && bytes.IndexByte([]byte("._-"), c) >= 0) {
			return errors.New("the name of a policy has letters from a to z, digits, and then dots, hyphens and underscores")
		}
	}
	return nil
}
