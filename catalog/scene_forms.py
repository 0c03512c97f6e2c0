"""Forms of scenes in the admin: what would make the film untellable is refused in the words of ``catalog.story``, with what was typed kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.models import BaseInlineFormSet

from catalog import story
from catalog.models import Scene
from catalog.services import story_of
from catalog.story import StoryScene

if TYPE_CHECKING:
    _SceneModelForm = forms.ModelForm[Scene]
    _SceneFormSet = BaseInlineFormSet[Scene, Any, Any]
else:
    _SceneModelForm = forms.ModelForm
    _SceneFormSet = BaseInlineFormSet

# No film has so many scenes: where positions wait while others take theirs.
ASIDE = 1_000_000


class SceneForm(_SceneModelForm):
    """One scene on its own page."""

    class Meta:
        model = Scene
        fields = ["position", "name", "mood", "intensity", "tags", "optional", "break_after", "requires", "asset"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        requires = self.fields["requires"]
        if isinstance(requires, forms.ModelMultipleChoiceField):
            requires.queryset = Scene.objects.filter(title_id=self.instance.title_id).exclude(pk=self.instance.pk)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.instance.pk is None or self.errors:
            return data
        others = [scene for scene in story_of(self.instance.title) if scene.id != self.instance.pk]
        changed = StoryScene(
            id=self.instance.pk,
            position=data["position"],
            name=data["name"],
            requires=frozenset(needed.pk for needed in data["requires"]),
            optional=data["optional"],
        )
        if any(scene.position == changed.position for scene in others):
            raise ValidationError(f"Position {changed.position} is taken. Positions are swapped on the page of the title, where both are seen.")
        _check([*others, changed])
        return data


class SceneRowForm(_SceneModelForm):
    """One scene among the others on its title's page."""

    def _get_validation_exclusions(self) -> set[str]:
        # Two scenes that swap their positions are right together and wrong one by one: the whole set is checked instead.
        excluded: set[str] = super()._get_validation_exclusions()  # type: ignore[misc]
        return {*excluded, "position"}

    def clean_position(self) -> int:
        position = self.cleaned_data["position"]
        if position < 1:
            raise ValidationError("Positions start at 1.")
        return int(position)


class SceneFormSet(_SceneFormSet):
    """All scenes of a title, as they stand together after the save."""

    def validate_unique(self) -> None:
        """Left to `clean`, which names the scenes."""

    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        scenes = list(self._scenes())
        taken: dict[int, StoryScene] = {}
        for scene in scenes:
            if scene.position in taken:
                raise ValidationError(
                    f"{taken[scene.position].label} and {scene.label} both have position {scene.position}; give each scene a position of its own"
                )
            taken[scene.position] = scene
        if scenes:
            _check(scenes)

    def _scenes(self) -> Iterator[StoryScene]:
        needed = {scene.id: scene.requires for scene in story_of(self.instance)} if self.instance.pk else {}
        gone = {form.instance.pk for form in self.deleted_forms}
        for number, form in enumerate(self.forms):
            data = form.cleaned_data
            if not data or form in self.deleted_forms or (form not in self.initial_forms and not form.has_changed()):
                continue
            key = form.instance.pk or -number - 1
            requires = frozenset(needed.get(key, frozenset())) - gone
            yield StoryScene(id=key, position=data["position"], name=data["name"], requires=requires, optional=bool(data.get("optional")))

    def save(self, commit: bool = True) -> Any:  # noqa: FBT001 (Django's signature)
        """Scenes that change places step aside first: no two may share a position at any moment."""
        if commit or self.instance.pk:
            moved = [form.instance.pk for form in self.initial_forms if form.instance.pk and "position" in form.changed_data]
            for scene in Scene.objects.filter(pk__in=moved):
                Scene.objects.filter(pk=scene.pk).update(position=ASIDE + scene.pk)
        return super().save(commit)


def _check(scenes: list[StoryScene]) -> None:
    try:
        story.check(scenes)
    except story.StoryProblem as problem:
        raise ValidationError(str(problem)) from problem
