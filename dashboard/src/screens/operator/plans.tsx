// Plans: all of them in words, one with its versions, and the draft of a new one.
import { useParams } from "react-router";

import { Draft } from "./plans/draft";
import { AllPlans } from "./plans/list";
import { OnePlan } from "./plans/plan";
import "../../words/plans";

export default function Plans() {
  const { name, act } = useParams();
  if (!name) return <AllPlans />;
  return act === "new" ? <Draft key={name} name={name} /> : <OnePlan key={name} name={name} />;
}
