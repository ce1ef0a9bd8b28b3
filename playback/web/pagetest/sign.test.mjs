import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import test from "node:test";
import { Signer } from "../page/alone/sign.js";

// What minio-go signs: see archive/s3/presign_test.go.
const examples = JSON.parse(await readFile(new URL("../../../archive/s3/testdata/presigned.json", import.meta.url), "utf8"));

/** query is that of a URL as sorted pairs: their order there is the signer's own. */
const query = (url) => [...new URL(url).searchParams].sort().join("\n");

test("signatures are those of minio-go", async () => {
	assert.ok(examples.length >= 4);
	for (const e of examples) {
		const signer = new Signer({ hostStyle: false, region: e.Region, accessKey: e.AccessKey, secretKey: e.SecretKey, token: e.Token });
		for (const again of [1, 2]) {
			const signed = await signer.presign(e.url, e.query ?? {}, e.at, e.seconds);
			assert.equal(signed.split("?")[0], e.Signed.split("?")[0], `${e.url} ${again}`);
			assert.equal(query(signed), query(e.Signed), `${e.url} ${again}`);
		}
	}
});
