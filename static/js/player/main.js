import { paintTitles } from "../browse/colours.js";
import { Player } from "./player.js";

paintTitles(document);
new Player(document.getElementById("player"));
