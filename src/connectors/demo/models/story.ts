import type { DemoModel } from "../answer.ts";
import { shapeText } from "../shape.ts";

const KEEPERS = ["Ida", "Anselm", "Marta", "Old Teodor"] as const;
const TOWNS = ["Velm", "Sankt Arne", "Port Ossel", "Grauhafen"] as const;
const WEATHERS = ["fog", "sleet", "a dry east wind", "a week of rain"] as const;
const CARGOES = ["oranges", "church bells", "clocks", "a travelling circus"] as const;

/** One of the list, fixed by the seed and by which choice it is. */
function pick<T>(list: readonly [T, ...T[]], seed: number, choice: string): T {
  return list[Number(Bun.hash(`${choice} ${seed}`) % BigInt(list.length))] ?? list[0];
}

/** The story, some 600 tokens long; another seed changes who, where, what and in which weather. */
export function tellStory(seed: number): string {
  const keeper = pick(KEEPERS, seed, "keeper");
  const town = pick(TOWNS, seed, "town");
  const weather = pick(WEATHERS, seed, "weather");
  const cargo = pick(CARGOES, seed, "cargo");
  return [
    `The Signal House at ${town}`,
    `At ${town} three railway lines meet, and where they meet stands a house with eleven levers and one lamp. ${keeper} kept it. The timetable said which train went where, but trains do not read, and so every night somebody had to stand at the window and decide.`,
    `Most nights were easy. A train whistled from the south, ${keeper} looked at its number, pulled the third lever, and it went over the bridge and was gone. If the bridge was up for a ship there was the long way round through the cutting, and if the cutting was blocked there was the siding, where a train could wait with its lamps lit until somebody came to say that the way was clear.`,
    `"You make it look like nothing," said the boy who brought the coffee. "It is nothing," said ${keeper}. "It is only nothing every four minutes."`,
    `Then came ${weather}, and with it the night express carrying ${cargo}. It stood at the signal and hissed. The bridge did not answer its bell. ${keeper} rang once, counted to four, rang again, counted to eight, and rang a third time. Somebody with less patience would have gone on ringing until morning, and somebody with less sense would have sent the express across without an answer. ${keeper} wrote the time in the book, hung the red lamp over the lever of the bridge, and pulled the lever of the cutting.`,
    `The driver leaned out. "That is not my road," he called. "It is tonight," said ${keeper}. "You will be nine minutes late, and you will be there."`,
    `An hour afterwards the telegraph woke up and explained itself. A cable had come down, the bridge keeper had been shouting at a dead bell, and nobody was hurt. ${keeper} took the red lamp down again, but not at once. First one slow goods train was allowed to try the bridge, with the lamp left in reach. Only when its last wagon had rolled off at the far side did the evening post follow, and after it everything else.`,
    `In the morning the inspector came and read the book, as he did every month. There was a line for every train: when it had come, which way it had gone, how long it had waited, and what it had cost in coal. There was a line for the express too, and beside it, in small letters, the reason. He looked for a train without a line, and found none. He had never found one.`,
    `"What do the passengers say?" he asked. ${keeper} thought about it. "They ask whether this is ${town}," came the answer, "and then they go back to sleep."`,
  ].join("\n\n");
}

/** Tells a longer text of our own, for streaming. */
export const story: DemoModel = {
  id: "story",
  title: "tells a story of some 600 tokens; the seed changes who, where and what",
  answer: (request) => ({ blocks: [shapeText(request, tellStory(request.sampling.seed ?? 0))] }),
};
