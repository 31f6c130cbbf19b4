// The files of a drop or of a chosen folder, folders opened all the way down.

const MEDIA = /\.(mp4|m4v|mov|qt|mkv|webm|avi|ts|mts|m2ts|mpg|mpeg|vob|flv|asf|wmv|3gp|mxf|dav|h264|h265|264|265|wav|mp3|m4a|aac|flac|ogg|oga|opus)$/i;

const hidden = (name) => name.startsWith(".");

const child = (entry) => new Promise((resolve, reject) => entry.file(resolve, reject));

// A folder gives its entries in parts of a hundred.
async function entries(folder) {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return found.sort((a, b) => a.name.localeCompare(b.name));
    found.push(...part);
  }
}

async function collect(entry, folder, found) {
  if (hidden(entry.name)) return;
  if (entry.isFile) {
    if (!folder || MEDIA.test(entry.name)) found.files.push({ file: await child(entry), folder });
    else found.others += 1;
    return;
  }
  for (const each of await entries(entry)) await collect(each, folder || entry.name, found);
}

// What was dropped, as {files: [{file, folder}], others}; the transfer is only readable at once.
export async function dropped(transfer) {
  const found = { files: [], others: 0 };
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const tops = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  for (const [entry, file] of tops) {
    if (entry) await collect(entry, "", found);
    else if (file) found.files.push({ file, folder: "" });
  }
  return found;
}

// What was chosen in a file or folder field; folder is the outermost one.
export function chosen(list) {
  const found = { files: [], others: 0 };
  for (const file of list) {
    const folder = file.webkitRelativePath?.split("/")[0] ?? "";
    if (folder && (hidden(file.name) || !MEDIA.test(file.name))) found.others += 1;
    else found.files.push({ file, folder });
  }
  return found;
}
