package web_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sealtape/sealtape/testdata/sample"
)

const tools = "../../testdata/typescript/node_modules"

// What an app in TypeScript does with the package.
const app = `import { Room } from 'livekit-client';
import { Identity, keeping, Passkey, Pins, RoomKeys, Shelf, type Question, type RoomPeer } from 'sealtape-keys';

const kept: 'kept' | 'perhaps' | 'sevenDays' = await keeping();
const identity = kept === 'kept' ? await Identity.generate({ name: 'Ada' })
  : await Identity.fromPasskey(await Passkey.create({ name: 'Ada', site: 'Our meetings' }), { name: 'Ada' });
const secret: string | null = await identity.openEpoch([new Uint8Array()]);
const pins = await Pins.load(new Shelf(), identity.card);
const keys = new RoomKeys({ identity, pins, recorders: 'ask', give: 'verified', bits: 128 });
const room = new Room({ encryption: { keyProvider: keys.provider, worker: new Worker('worker.mjs') } });
await keys.connect(room, 'wss://example.org', 'token');
keys.addEventListener('ask', async (e) => {
  const question: Question = e.detail;
  await keys.answer(question.recorder.identity, question.added.length === 0);
});
keys.addEventListener('trouble', (e) => console.warn(e.detail.identity, e.detail.trouble));
const verified: RoomPeer[] = keys.peers.filter((p) => p.standing === 'verified' && p.mine === 'given');
const code: string = keys.code + verified.length + secret;
console.log(code, keys.recorder?.state?.readers[0]?.name);
await keys.pin('ben', { fingerprint: 'eight words' });
await keys.pause();
await keys.leave();
// @ts-expect-error: no such answer to recorders
new RoomKeys({ identity, pins, recorders: 'perhaps' });
// @ts-expect-error: no such event
keys.addEventListener('peers', () => {});
`

// The npm package has what it needs and no more, its types hold, and an app that
// installs it can be bundled.
func TestPackage(t *testing.T) {
	sample.Live(t)
	dir := t.TempDir()
	run := func(in, name string, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		var stderr bytes.Buffer
		cmd.Dir, cmd.Stderr = in, &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
		}
		return out
	}
	absolute := func(path string) string {
		t.Helper()
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	bin := absolute(tools)
	tsc, esbuild := filepath.Join(bin, "typescript", "bin", "tsc"), filepath.Join(bin, "esbuild", "bin", "esbuild")
	for _, tool := range []string{tsc, esbuild} {
		if _, err := os.Stat(tool); err != nil {
			t.Fatalf("run npm ci in testdata/typescript: %v", err)
		}
	}

	var packed []struct {
		Filename string
		Files    []struct{ Path string }
	}
	if err := json.Unmarshal(run(".", "npm", "pack", "--json", "--pack-destination", dir), &packed); err != nil {
		t.Fatal(err)
	}
	files := make(map[string]bool)
	for _, f := range packed[0].Files {
		files[f.Path] = true
		if strings.HasSuffix(f.Path, ".go") || strings.Contains(f.Path, "node_modules") || strings.HasPrefix(f.Path, ".") {
			t.Errorf("the package has %s", f.Path)
		}
	}
	for _, want := range []string{"LICENSE", "README.md", "index.js", "roomkeys.js", "types/index.d.ts", "example/meeting.js"} {
		if !files[want] {
			t.Errorf("the package lacks %s", want)
		}
	}

	options := `"noEmit": true, "module": "esnext", "moduleResolution": "bundler", "target": "es2024", "lib": ["es2024", "dom", "dom.iterable"], "types": []`
	for name, text := range map[string]string{
		"package.json": `{ "private": true, "type": "module" }`,
		"app.ts":       app,
		"app.json":     `{ "compilerOptions": { "strict": true, "skipLibCheck": true, ` + options + ` }, "files": ["app.ts"] }`,
		"types.json":   `{ "compilerOptions": { "strict": true, "skipLibCheck": false, ` + options + ` }, "files": ["node_modules/sealtape-keys/types/index.d.ts"] }`,
		"page.json":    `{ "compilerOptions": { "strict": false, "allowJs": true, "checkJs": true, "skipLibCheck": true, ` + options + ` }, "files": ["node_modules/sealtape-keys/example/meeting.js"] }`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := []string{"install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", packed[0].Filename}
	for _, dep := range []string{"age-encryption", "@noble/ciphers", "@noble/hashes", "@noble/post-quantum", "@scure/base"} {
		install = append(install, absolute(filepath.Join("node_modules", dep)))
	}
	run(dir, "npm", append(install, absolute("../../testdata/browser/node_modules/livekit-client"))...)
	for _, project := range []string{"types.json", "app.json", "page.json"} {
		run(dir, "node", tsc, "--project", project)
	}
	run(dir, esbuild, "app.ts", "node_modules/sealtape-keys/example/meeting.js", "--bundle", "--format=esm", "--log-level=warning", "--outdir=out")
	if b, err := os.ReadFile(filepath.Join(dir, "out", "app.js")); err != nil || !bytes.Contains(b, []byte("sealtape.v1")) {
		t.Errorf("the bundle lacks the package: %v", err)
	}
}

// The page in the README is the example.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("example/meeting.js")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(readme, append([]byte("```js\n"), append(page, "```\n"...)...)) {
		t.Error("README.md does not have example/meeting.js as it is")
	}
}
