package livekitroom

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/keys"
	"github.com/sealtape/sealtape/recorder/frame"
)

// secretText stands in key files of the tests wherever a secret may stand, in
// the right place or not.
const secretText = "hunter2hunter2hu"

func TestParseKeyFile(t *testing.T) {
	raw := base64.StdEncoding.EncodeToString([]byte(secretText))
	long := base64.StdEncoding.EncodeToString([]byte(secretText + secretText))
	k, err := parseKeyFile([]byte(`{"shared": {"0": {"passphrase": "pass"}, "255": {"key": "` + raw + `"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if k.shared[0] != (roomKey{"pass", frame.PBKDF2}) || k.shared[255] != (roomKey{secretText, frame.HKDF}) || len(k.shared) != 2 {
		t.Errorf("shared keys are %v", k.shared)
	}
	if o := k.options(); o.Size != 16 || o.Salt != "" || o.RatchetWindow != 0 {
		t.Errorf("options are %+v", o)
	}
	k, err = parseKeyFile([]byte(`{
		"bits": 256, "salt": "another", "ratchetWindow": 10, "derivation": "pbkdf2",
		"participants": {"ada": {"7": {"key": "` + long + `"}}, "böb": {}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	if o := k.options(); o.Size != 32 || o.Salt != "another" || o.RatchetWindow != 10 {
		t.Errorf("options are %+v", o)
	}
	if k.participants["ada"][7] != (roomKey{secretText + secretText, frame.PBKDF2}) || len(k.participants) != 2 || k.shared != nil {
		t.Errorf("keys are %v", k.participants)
	}
	if k, err = parseKeyFile([]byte(`{"shared": {"0": {"passphrase": "p"}}, "derivation": "hkdf"}`)); err != nil || k.shared[0].derivation != frame.HKDF {
		t.Errorf("%v, %v", k, err)
	}
}

func TestParseKeyFileRefuses(t *testing.T) {
	good := `"shared": {"0": {"passphrase": "` + secretText + `"}}`
	b64 := func(n int) string { return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", n))) }
	for _, tt := range []struct{ name, text, says string }{
		{"empty", ``, "not valid JSON"},
		{"the secret itself", secretText, "not valid JSON"},
		{"a string", `"` + secretText + `"`, "must be an object"},
		{"a list", `[]`, "must be an object"},
		{"cut off", `{` + good, "not valid JSON"},
		{"something behind", `{` + good + `} x`, "after its end"},
		{"another object behind", `{` + good + `}{}`, "after its end"},
		{"no keys", `{}`, "neither shared nor participants"},
		{"both", `{` + good + `, "participants": {}}`, "both shared and participants"},
		{"unknown field", `{` + good + ",\n" + `"` + secretText + `": 1}`, "line 2: unknown field in the file"},
		{"field in capitals", `{"Shared": {}}`, "unknown field"},
		{"field twice", `{` + good + `,` + good + `}`, "stands twice"},
		{"index twice", `{"shared": {"1": {"passphrase": "a"}, "1": {"passphrase": "b"}}}`, "stands twice"},
		{"identity twice", `{"participants": {"a": {}, "a": {}}}`, "stands twice"},
		{"no identity", `{"participants": {"": {}}}`, "identity has 1 to 512"},
		{"index too high", `{"shared": {"256": {"passphrase": "a"}}}`, "0 to 255"},
		{"negative index", `{"shared": {"-1": {"passphrase": "a"}}}`, "0 to 255"},
		{"index with a zero", `{"shared": {"01": {"passphrase": "a"}}}`, "0 to 255"},
		{"index in words", `{"shared": {"` + secretText + `": {"passphrase": "a"}}}`, "0 to 255"},
		{"key that is a string", `{"shared": {"0": "` + secretText + `"}}`, "a key must be an object"},
		{"key of neither kind", `{"shared": {"0": {}}}`, "either a passphrase or a key"},
		{"key of both kinds", `{"shared": {"0": {"passphrase": "a", "key": "` + b64(16) + `"}}}`, "either a passphrase or a key"},
		{"empty passphrase", `{"shared": {"0": {"passphrase": ""}}}`, "1 to 1024 bytes"},
		{"passphrase that is a number", `{"shared": {"0": {"passphrase": 5}}}`, "want a text"},
		{"long passphrase", `{"shared": {"0": {"passphrase": "` + strings.Repeat("x", 1025) + `"}}}`, "1 to 1024 bytes"},
		{"bad base64", `{"shared": {"0": {"key": "` + secretText + `!"}}}`, "a key is not base64"},
		{"base64 without padding", `{"shared": {"0": {"key": "` + strings.TrimRight(b64(16), "=") + `"}}}`, "a key is not base64"},
		{"base64 for URLs", `{"shared": {"0": {"key": "_____________________w=="}}}`, "a key is not base64"},
		{"short key", `{"shared": {"0": {"key": "` + b64(15) + `"}}}`, "15 bytes, want 16 to 64"},
		{"long key", `{"shared": {"0": {"key": "` + b64(65) + `"}}}`, "65 bytes, want 16 to 64"},
		{"key too short for its bits", `{"bits": 256, "shared": {"0": {"key": "` + b64(16) + `"}}}`, "16 bytes is too short for 256 bits"},
		{"bits between", `{"bits": 192, ` + good + `}`, "128 or 256"},
		{"bits as text", `{"bits": "128", ` + good + `}`, "whole number"},
		{"half a bit", `{"bits": 128.5, ` + good + `}`, "whole number"},
		{"window", `{"ratchetWindow": 65, ` + good + `}`, "0 to 64"},
		{"negative window", `{"ratchetWindow": -1, ` + good + `}`, "0 to 64"},
		{"derivation", `{"derivation": "scrypt", ` + good + `}`, "pbkdf2 or hkdf"},
		{"empty salt", `{"salt": "", ` + good + `}`, "1 to 256 bytes"},
		{"null", `{"shared": null}`, "must be an object"},
		{"not UTF-8", "{\"shared\": {\"0\": {\"passphrase\": \"\xff\"}}}", "not UTF-8"},
		{"too long", `{` + good + `}` + strings.Repeat(" ", maxKeyFile), "longer than"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseKeyFile([]byte(tt.text))
			if err == nil || !errors.Is(err, ErrKeyFile) || !strings.Contains(err.Error(), tt.says) {
				t.Fatalf("got %v, want %q in it", err, tt.says)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the file: %v", err)
			}
		})
	}
}

func TestReadKeyFileThatOthersCanRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(`{"shared": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readKeyFile(path); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o602} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := readKeyFile(path)
		var perm *keys.PermissionError
		if !errors.As(err, &perm) || perm.Path != path || perm.Want != 0o600 {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
	if _, err := readKeyFile(filepath.Dir(path)); !errors.Is(err, ErrKeyFile) {
		t.Errorf("a folder: %v", err)
	}
	if _, err := readKeyFile(path + "x"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

// FuzzKeyFile: what is taken is within the limits, and no error says what the
// file does.
func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(`{"bits": 256, "derivation": "hkdf", "salt": "s", "ratchetWindow": 8, "shared": {"0": {"passphrase": "p"}}}`))
	f.Add([]byte(`{"participants": {"ada": {"3": {"key": "MTIzNDU2Nzg5MGFiY2RlZg=="}}}}`))
	f.Add([]byte(`{"shared": {"0": {"passphrase": "a", "passphrase": "b"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parseKeyFile(text)
		if err != nil {
			if !errors.Is(err, ErrKeyFile) || len(err.Error()) > 120 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if (k.shared == nil) == (k.participants == nil) || k.bits != 128 && k.bits != 256 || k.window < 0 || k.window > 64 || len(k.salt) > 256 {
			t.Fatalf("accepted %+v", k)
		}
		rings := map[string]map[int]roomKey{"shared": k.shared}
		for identity, ring := range k.participants {
			rings["of "+identity] = ring
		}
		for whose, ring := range rings {
			for i, key := range ring {
				if i < 0 || i > 255 || key.material == "" || len(key.material) > maxPassBytes {
					t.Fatalf("accepted key %d %s: %d bytes", i, whose, len(key.material))
				}
			}
		}
	})
}

// The key file that README shows is one.
func TestKeyFileOfREADME(t *testing.T) {
	b, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "\n    {\n")
	text, _, end := strings.Cut(rest, "\n    }\n")
	if !ok || !end {
		t.Fatal("README shows no key file")
	}
	k, err := parseKeyFile([]byte("{" + text + "}"))
	if err != nil {
		t.Fatal(err)
	}
	if len(k.participants["ada"]) != 2 || k.participants["ben"][0].derivation != frame.PBKDF2 || k.window != 8 {
		t.Errorf("README's key file is %+v", k)
	}
}
