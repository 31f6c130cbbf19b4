// One file on its way to the server by tus: parts with checksums, tried again until they arrive.

const PART_BYTES = 8 * 1024 * 1024;
// A server that restarts is back in seconds, a network perhaps in an hour.
const DELAYS = [0, 1000, 2000, 5000, ...Array(360).fill(10_000)];

const status = (error) => error.originalResponse?.getStatus() ?? 0;

const unreadable = (error) => error.causingError instanceof DOMException;

// Every part travels with its SHA-256, where the browser offers one: by HTTPS or to this machine.
// A request that is given up meanwhile must not go out: it has lost its headers.
function withChecksum(request) {
  const send = request.send.bind(request);
  const abort = request.abort.bind(request);
  let aborted = false;
  request.abort = () => {
    aborted = true;
    return abort();
  };
  request.send = async (part) => {
    if (part?.arrayBuffer && globalThis.crypto?.subtle) {
      const digest = await crypto.subtle.digest("SHA-256", await part.arrayBuffer());
      if (aborted) throw new Error("given up");
      const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
      request.setHeader("Upload-Checksum", `sha256 ${text}`);
    }
    return send(part);
  };
}

function worthAnotherTry(error) {
  if (unreadable(error)) return false;
  const code = status(error);
  // A disk that is full may be given room; one that is plainly too small is told at the beginning.
  if (code === 507) return error.originalRequest.getMethod() === "PATCH";
  return code === 0 || code === 409 || code === 423 || code === 460 || code >= 500;
}

// What an error means for the person waiting, and whether going on later can help.
function meaning(error) {
  const answer = error.originalResponse;
  const code = status(error);
  if (unreadable(error)) {
    return { sentence: "The file cannot be read any more. Choose it again to go on.", lost: true };
  }
  if (code === 0) return { sentence: "The server cannot be reached. Press Resume once it is back." };
  const plain = answer.getHeader("Content-Type")?.startsWith("text/plain");
  const sentence = plain ? answer.getBody() : "The server refused it; load this page again.";
  return { sentence, final: code === 400 || code === 413 };
}

// Begin to send, or go on where `url` is known. `tell` hears url, progress, trying, done and failed.
export async function send(file, { endpoint, url, token, metadata, tell }) {
  const { Upload } = await import("../vendor/tus.min.js");
  const upload = new Upload(file, {
    endpoint: new URL(endpoint, location).href,
    uploadUrl: url && new URL(url, location).href,
    chunkSize: PART_BYTES,
    retryDelays: DELAYS,
    storeFingerprintForResuming: false,
    headers: { "X-CSRFToken": token },
    metadata: { filename: file.name, modified: String(file.lastModified), ...metadata },
    onBeforeRequest: withChecksum,
    onUploadUrlAvailable: () => tell.url(new URL(upload.url).pathname),
    onProgress: (sent) => tell.progress(sent),
    onShouldRetry: (error) => {
      const again = worthAnotherTry(error);
      const busy = [423, 507].includes(status(error)) ? error.originalResponse.getBody() : "";
      if (again) tell.trying(busy || "The connection broke. It is tried again until it works.");
      return again;
    },
    onSuccess: () => tell.done(),
    onError: (error) => tell.failed(meaning(error)),
  });
  upload.start();
  return upload;
}
