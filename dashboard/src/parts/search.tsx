// A line to search by: what is typed shows at once, and is asked for when its writer rests.
import { useEffect, useState } from "react";

import { Field } from "./field";

/** How long somebody rests between two letters before the search begins. */
const REST_MS = 60;

interface Props {
  label: string;
  value: string;
  maxLength: number;
  onRest: (text: string) => void;
}

export function Search({ label, value, maxLength, onRest }: Props) {
  const [text, setText] = useState(value);
  useEffect(() => {
    if (text.trim() === value) return;
    const resting = setTimeout(() => onRest(text.trim()), REST_MS);
    return () => clearTimeout(resting);
  }, [text, value, onRest]);
  return <Field label={label} type="search" value={text} maxLength={maxLength} onChange={(event) => setText(event.target.value)} autoComplete="off" />;
}
