// Speaks age for archive/witness_test.go, by an implementation that shares no
// code with filippo.io/age: npm's age-encryption, pinned in package-lock.json.
//
// It reads a JSON array of questions from standard input, and writes one of answers to
// standard output, in their order: {data}, in Base64, or {error}. The questions, by command:
//
//   open   {identity, epoch, segment}   the segment's plaintext; epoch and segment are files
//   seal   {recipients, text}           text as an age file to the recipients, stanza by stanza in that order
//   new    {}                           a hybrid identity, and a line end
import { readFile } from "node:fs/promises"
import { text } from "node:stream/consumers"
import { Decrypter, Encrypter, generateHybridIdentity } from "age-encryption"

async function open({ identity, epoch, segment }) {
  const mine = new Decrypter()
  mine.addIdentity(identity)
  const secret = await mine.decrypt(await readFile(epoch), "text")
  const media = new Decrypter()
  media.addIdentity(secret.trimEnd())
  return media.decrypt(await readFile(segment))
}

async function seal({ recipients, text }) {
  const e = new Encrypter()
  for (const r of recipients) e.addRecipient(r)
  return e.encrypt(text)
}

const commands = { open, seal, new: async () => Buffer.from((await generateHybridIdentity()) + "\n") }
const answers = []
for (const ask of JSON.parse(await text(process.stdin))) {
  try {
    answers.push({ data: Buffer.from(await commands[ask.command](ask)).toString("base64") })
  } catch (e) {
    answers.push({ error: String(e) })
  }
}
process.stdout.write(JSON.stringify(answers))
