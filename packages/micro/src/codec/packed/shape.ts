/** Members of a record. Objects with more are tables: a name is written before each member. */
const mostNames = 64;

/** Characters of a record's names, with what separates them. */
const mostNameLength = 2048;

/** Shapes that are remembered. When there are more, all are forgotten: a peer may send names without end. */
const mostShapes = 1024;

const separator = "\n";

/** The names of an object's members, in their order. */
export interface Shape {
  readonly names: readonly string[];
  /** The names as they are written. */
  readonly text: string;
  /** One of the names is like the index of an array: see `newSparse`. */
  readonly hasIndex: boolean;
  /** Where the members are. */
  readonly places: readonly Place[];
  /** Number of the body in which it was defined last, and what it is called there. */
  body: number;
  id: number;
}

/** A place in documents: a member of a shape, with the items of its arrays, or the document itself. */
export interface Place {
  /** The shape that was found here last. Documents repeat themselves, so it is nearly always the next one, too. */
  shape: Shape | undefined;
}

export function newPlace(): Place {
  return { shape: undefined };
}

/** The shapes that were met, in whatever document. */
export class KnownShapes {
  /** Where documents are. Everything that is remembered hangs on it, or is found by its text. */
  readonly root = newPlace();
  readonly #byText = new Map<string, Shape>();

  /** The shape with these names, made if it is new; `undefined` when they can't be those of a record. */
  named(names: readonly string[]): Shape | undefined {
    const { length } = names;
    if (length === 0 || length > mostNames) return undefined;
    const shape = this.written(names.join(separator));
    // One of the names has a separator in it.
    return shape?.names.length === length ? shape : undefined;
  }

  /** The shape whose names are written so. */
  written(text: string): Shape | undefined {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    if (text.length > mostNameLength) return undefined;
    const names = text.split(separator);
    if (names.length > mostNames) return undefined;
    if (this.#byText.size >= mostShapes) {
      this.#byText.clear();
      this.root.shape = undefined;
    }
    const hasIndex = names.some(isIndex);
    const shape = { names, text, hasIndex, places: names.map(newPlace), body: -1, id: 0 };
    this.#byText.set(text, shape);
    return shape;
  }
}

/** True for all names that V8 may take for the index of an array, and for some more. */
export function isIndex(name: string): boolean {
  const first = name.charCodeAt(0);
  return first >= 0x30 && first <= 0x39;
}

/**
 * An object for members with such names. V8 otherwise makes room for all members of an array up to that index: 12 KB for
 * `{"1023":true}`, which is written in two bytes.
 */
export function newSparse(): Record<string, unknown> {
  const object: Record<number, unknown> = {};
  object[lastIndex] = null;
  delete object[lastIndex];
  return object;
}

const lastIndex = 2 ** 32 - 2;
