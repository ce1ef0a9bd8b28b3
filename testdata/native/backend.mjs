// backend.mjs URL: an application's backend with LiveKit's server SDK, as it is. The first
// line of standard input has the API key and its secret, each other one a command, as JSON;
// each is answered by a line.
import { createInterface } from "node:readline";
import { EgressClient, EncodedFileOutput, RoomServiceClient, S3Upload, WebhookReceiver } from "livekit-server-sdk";

const url = process.argv[2];
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const { key, secret } = JSON.parse((await lines.next()).value);
const egress = new EgressClient(url, key, secret);
const rooms = new RoomServiceClient(url, key, secret);
const receiver = new WebhookReceiver(key, secret);

const told = (i) => ({
	id: i.egressId, room: i.roomName, status: i.status, details: i.details,
	location: i.fileResults[0]?.location ?? "", ended: String(i.endedAt),
});

const commands = {
	async start({ room, s3 }) {
		const output = s3 ? { case: "s3", value: new S3Upload({ accessKey: "AKIA", secret: "x", bucket: "b" }) } : undefined;
		return told(await egress.startRoomCompositeEgress(room, new EncodedFileOutput({ filepath: "{room_name}.mp4", output }), { layout: "grid" }));
	},
	async list({ room }) {
		return (await egress.listEgress({ roomName: room })).map(told);
	},
	async stop({ id }) {
		return told(await egress.stopEgress(id));
	},
	async track({ room }) {
		return told(await egress.startTrackEgress(room, "wss://example.org", "TR_x"));
	},
	async rooms() {
		return (await rooms.listRooms()).map((r) => r.name);
	},
	async receive({ body, authorization }) {
		const e = await receiver.receive(body, authorization);
		return { event: e.event, ...told(e.egressInfo) };
	},
};

for await (const line of lines) {
	const { do: what, ...args } = JSON.parse(line);
	let answer;
	try {
		answer = { answer: await commands[what](args) };
	} catch (e) {
		answer = { error: String(e.message ?? e), code: String(e.code ?? "") };
	}
	console.log(JSON.stringify(answer));
}
