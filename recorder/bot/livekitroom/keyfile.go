package livekitroom

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"unicode/utf8"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/frame"
)

// Limits of a key file.
const (
	maxKeyFile   = 1 << 20 // bytes
	maxRoomKeys  = 4096    // keys of all participants: each costs a derivation
	maxPassBytes = 1024
	maxKeyBytes  = 64
	Indexes      = 256
)

// A keyFile is what a key file says: one object of JSON,
//
//	{
//	  "bits": 128,
//	  "derivation": "pbkdf2",
//	  "salt": "LKFrameEncryptionKey",
//	  "ratchetWindow": 0,
//	  "shared": {"0": {"passphrase": "correct horse battery staple"}},
//	  "participants": {"ada": {"0": {"key": "MTIzNDU2Nzg5MGFiY2RlZg=="}}}
//	}
//
// with either shared or participants; all else may be left out. A key is under
// its index, "0" to "255", and is a passphrase or 16 to 64 bytes in base64. Where
// derivation is not given, it is PBKDF2 for passphrases and HKDF for bytes, as
// livekit-client does.
type keyFile struct {
	bits         int
	salt         string
	window       int
	derivation   string // "": by the kind of key
	shared       map[int]roomKey
	participants map[string]map[int]roomKey
}

// A roomKey is a passphrase or raw bytes.
type roomKey struct {
	material   string // a string, to be compared; it cannot be overwritten
	derivation frame.Derivation
}

// ErrKeyFile is in every error about what a key file says. None repeats a part of
// the file: whatever stands in the wrong place may be a secret.
var ErrKeyFile = errors.New("not a key file")

// readKeyFile reads a key file that nobody else can read.
func readKeyFile(path string) (*keyFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if fi.IsDir() {
		return nil, fmt.Errorf("%s: %w: it is a folder", path, ErrKeyFile)
	}
	if mode := fi.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, &keys.PermissionError{Path: path, Mode: mode, Want: 0o600}
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	defer clear(b)
	k, err := parseKeyFile(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// parseKeyFile reads the text of a key file.
func parseKeyFile(b []byte) (*keyFile, error) {
	if len(b) > maxKeyFile {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrKeyFile, maxKeyFile)
	}
	if !utf8.Valid(b) {
		return nil, fmt.Errorf("%w: not UTF-8", ErrKeyFile)
	}
	p := &keyParser{dec: json.NewDecoder(bytes.NewReader(b)), text: b}
	p.dec.UseNumber()
	k := &keyFile{bits: 128}
	err := p.object("the file", map[string]func() error{
		"bits": func() (err error) {
			if k.bits, err = p.number(256); err == nil && k.bits != 128 && k.bits != 256 {
				err = p.fail("bits must be 128 or 256")
			}
			return err
		},
		"ratchetWindow": func() (err error) { k.window, err = p.number(64); return err },
		"salt":          func() (err error) { k.salt, err = p.text1(256); return err },
		"derivation": func() (err error) {
			if k.derivation, err = p.text1(16); err == nil && k.derivation != "pbkdf2" && k.derivation != "hkdf" {
				err = p.fail("derivation must be pbkdf2 or hkdf")
			}
			return err
		},
		"shared": func() (err error) { k.shared, err = p.ring(); return err },
		"participants": func() error {
			k.participants = make(map[string]map[int]roomKey)
			return p.members("participants", func(identity string) (err error) {
				if _, twice := k.participants[identity]; twice {
					return p.fail("an identity stands twice")
				}
				if identity == "" || len(identity) > 512 {
					return p.fail("an identity has 1 to 512 bytes")
				}
				k.participants[identity], err = p.ring()
				return err
			})
		},
	})
	if err == nil {
		if _, more := p.dec.Token(); more != io.EOF {
			err = p.fail("there is something after its end")
		}
	}
	switch {
	case err != nil:
		return nil, err
	case k.shared == nil && k.participants == nil:
		return nil, fmt.Errorf("%w: it has neither shared nor participants", ErrKeyFile)
	case k.shared != nil && k.participants != nil:
		return nil, fmt.Errorf("%w: it has both shared and participants", ErrKeyFile)
	}
	return k, k.derive()
}

// derive settles how the keys are derived, once all fields are read.
func (k *keyFile) derive() error {
	rings := []map[int]roomKey{k.shared}
	for _, ring := range k.participants {
		rings = append(rings, ring)
	}
	for _, ring := range rings {
		for i, key := range ring {
			if key.derivation == frame.HKDF && len(key.material) < k.bits/8 {
				return fmt.Errorf("%w: a key of %d bytes is too short for %d bits", ErrKeyFile, len(key.material), k.bits)
			}
			switch k.derivation {
			case "pbkdf2":
				key.derivation = frame.PBKDF2
			case "hkdf":
				key.derivation = frame.HKDF
			}
			ring[i] = key
		}
	}
	return nil
}

// options are what all keys of the file have in common.
func (k *keyFile) options() frame.KeyOptions {
	return frame.KeyOptions{Size: k.bits / 8, Salt: k.salt, RatchetWindow: k.window, Explain: true}
}

// A keyParser reads JSON strictly: names are exact and stand once, nothing is
// left over. encoding/json alone would take the last of two keys for one index.
type keyParser struct {
	dec  *json.Decoder
	text []byte
	keys int
}

// fail returns an error with the line that the parser is at.
func (p *keyParser) fail(what string) error {
	line := 1 + bytes.Count(p.text[:min(int(p.dec.InputOffset()), len(p.text))], []byte("\n"))
	return fmt.Errorf("%w: line %d: %s", ErrKeyFile, line, what)
}

// token reads a token; what a syntax error quotes stays unsaid.
func (p *keyParser) token() (json.Token, error) {
	t, err := p.dec.Token()
	if err != nil {
		return nil, p.fail("not valid JSON")
	}
	return t, nil
}

// members reads an object and calls member after each name.
func (p *keyParser) members(what string, member func(name string) error) error {
	t, err := p.token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return p.fail(what + " must be an object")
	}
	for p.dec.More() {
		t, err := p.token()
		if err != nil {
			return err
		}
		if err := member(t.(string)); err != nil { // the decoder lets no other name pass
			return err
		}
	}
	_, err = p.token() // the closing brace
	return err
}

// object reads an object of known fields.
func (p *keyParser) object(what string, fields map[string]func() error) error {
	seen := make(map[string]bool)
	return p.members(what, func(name string) error {
		field := fields[name]
		if field == nil {
			return p.fail("unknown field in " + what)
		}
		if seen[name] {
			return p.fail("a field stands twice in " + what)
		}
		seen[name] = true
		return field()
	})
}

// ring reads the keys of one ring, by index.
func (p *keyParser) ring() (map[int]roomKey, error) {
	ring := make(map[int]roomKey)
	err := p.members("a set of keys", func(name string) error {
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= Indexes || strconv.Itoa(i) != name {
			return p.fail("a key's index must be 0 to 255")
		}
		if _, twice := ring[i]; twice {
			return p.fail("a key's index stands twice")
		}
		if p.keys++; p.keys > maxRoomKeys {
			return p.fail("too many keys")
		}
		ring[i], err = p.key()
		return err
	})
	return ring, err
}

// key reads one key.
func (p *keyParser) key() (k roomKey, err error) {
	kinds := 0
	err = p.object("a key", map[string]func() error{
		"passphrase": func() (err error) {
			kinds++
			k.derivation = frame.PBKDF2
			k.material, err = p.text1(maxPassBytes)
			return err
		},
		"key": func() error {
			kinds++
			k.derivation = frame.HKDF
			text, err := p.text1(4 * maxKeyBytes)
			if err != nil {
				return err
			}
			raw, err := base64.StdEncoding.Strict().DecodeString(text)
			if err != nil {
				return p.fail("a key is not base64")
			}
			defer clear(raw)
			if len(raw) < 16 || len(raw) > maxKeyBytes {
				return p.fail(fmt.Sprintf("a key has %d bytes, want 16 to %d", len(raw), maxKeyBytes))
			}
			k.material = string(raw)
			return nil
		},
	})
	if err == nil && kinds != 1 {
		err = p.fail("a key has either a passphrase or a key")
	}
	return k, err
}

// text1 reads a string of 1 to most bytes.
func (p *keyParser) text1(most int) (string, error) {
	t, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok || s == "" || len(s) > most {
		return "", p.fail(fmt.Sprintf("want a text of 1 to %d bytes", most))
	}
	return s, nil
}

// number reads a whole number of 0 to most.
func (p *keyParser) number(most int) (int, error) {
	t, err := p.token()
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	i, err := strconv.Atoi(string(n))
	if !ok || err != nil || i < 0 || i > most {
		return 0, p.fail(fmt.Sprintf("want a whole number of 0 to %d", most))
	}
	return i, nil
}
